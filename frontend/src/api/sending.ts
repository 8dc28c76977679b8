// Files on their way to the server: a few at once, each in pieces, going on by themselves after a break.
import { call, Refusal } from './client.ts';
import type { Calls } from './schema.ts';
import { Cell } from '../parts/cell.ts';
import { Sha256 } from '../parts/sha256.ts';

export type Upload = Calls['GET /uploads/{id}']['answer'];
export type State = 'queued' | 'full' | 'sending' | 'paused' | 'waiting' | 'whole' | 'failed';

const PAUSES = [500, 1000, 2000, 4000]; // milliseconds between attempts while nobody answers
const AT_ONCE = 3; // more share one line and come no sooner
const BUSY: State[] = ['sending', 'waiting', 'full'];

/** One file.  Its SHA-256 is counted here while it goes, to be compared with what came. */
export class Sending {
  readonly file: File;
  readonly piece: number; // bytes
  readonly chosen = Date.now();
  upload: Upload | undefined;
  state: State = 'queued';
  sent = 0;
  from = 0; // where this attempt began, and when: what lay there before cost no time
  since = 0;
  sha256 = '';
  refusal: Refusal | undefined;
  #stop = new AbortController();

  constructor(file: File, piece: number) {
    this.file = file;
    this.piece = piece;
  }

  isOf({ name, size, lastModified }: File): boolean {
    return this.file.name === name && this.file.size === size && this.file.lastModified === lastModified;
  }

  async run(): Promise<void> {
    const { file, piece } = this;
    const { signal } = (this.#stop = new AbortController());
    this.refusal = undefined;
    this.#be('sending');
    try {
      this.upload = await this.#asked(() => this.#opened(signal), signal, true);
      ours.add(this.upload.id);
      this.sent = this.from = this.upload.received;
      this.since = Date.now();
      const hash = new Sha256();
      for (let at = 0; at < this.sent; at += piece) await this.#count(hash, at, Math.min(at + piece, this.sent));
      while (this.sent < file.size) {
        const end = Math.min(this.sent + piece, file.size);
        await this.#count(hash, this.sent, end);
        const now = await this.#asked(() => this.#put(end, signal), signal);
        this.sent = now.received;
        changed();
      }
      this.sha256 = hash.hex();
      this.#be('whole');
    } catch (problem) {
      if (signal.aborted) return;
      this.refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: `${file.name} cannot be read: it was moved or changed`, to_do: 'choose it again' });
      this.#be('failed');
    }
  }

  /** It goes on when its turn comes. */
  queue(): void {
    this.#be('queued');
  }

  pause(): void {
    this.#stop.abort();
    this.#be('paused');
  }

  async drop(): Promise<void> {
    this.pause();
    remove(this);
    if (this.upload) await call('DELETE /uploads/{id}', { path: { id: this.upload.id } }).catch(() => undefined);
  }

  /** The upload of this file that is open, or a new one. */
  async #opened(signal: AbortSignal): Promise<Upload> {
    const { name, size, lastModified: modified } = this.file;
    const { rows } = await call('GET /uploads', {}, signal);
    const known = rows.find((one) => one.name === name.normalize() && one.size === size && one.modified === modified);
    return known ?? call('POST /uploads', { body: { name, size, modified } }, signal);
  }

  async #put(end: number, signal: AbortSignal): Promise<Upload> {
    const path = { id: this.upload!.id };
    try {
      return await call('PUT /uploads/{id}', { path, query: { at: this.sent }, body: this.file.slice(this.sent, end) }, signal);
    } catch (problem) {
      if (!(problem instanceof Refusal) || problem.status !== 409 || problem.fact('key') !== 'at') throw problem;
      const now = await call('GET /uploads/{id}', { path }, signal); // it came, and its answer was lost
      if (now.received !== end) throw problem;
      return now;
    }
  }

  async #count(hash: Sha256, from: number, to: number): Promise<void> {
    hash.add(new Uint8Array(await this.file.slice(from, to).arrayBuffer()));
  }

  /** What ASK gives, asked again for as long as nobody answers; OPENS: and while as many uploads are open as may be. */
  async #asked<T>(ask: () => Promise<T>, signal: AbortSignal, opens = false): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const found = await ask();
        signal.throwIfAborted();
        if (this.state !== 'sending') this.#be('sending');
        return found;
      } catch (problem) {
        const full = opens && problem instanceof Refusal && problem.status === 409;
        if (signal.aborted || !(problem instanceof Refusal) || !(full || problem.passing || problem.status === 429)) throw problem;
        this.#be(full ? 'full' : 'waiting');
        await new Promise((resolve) => setTimeout(resolve, PAUSES[Math.min(attempt, PAUSES.length - 1)]));
        if (signal.aborted) throw problem;
      }
    }
  }

  #be(state: State): void {
    this.state = state;
    changed();
  }
}

/** Uploads that this tab goes on with, or has done with. */
export const ours = new Set<string>();

/** Those of this tab, whatever page is open. */
export const sendings = new Cell<{ all: Sending[] }>({ all: [] });
export const remove = (one: Sending) => (sendings.value = { all: sendings.value.all.filter((other) => other !== one) });

/** Tells those who look on, and lets the next one begin whose turn it is: that is a change again. */
function changed(): void {
  const { all } = sendings.value;
  sendings.value = { all };
  if (all.filter((one) => BUSY.includes(one.state)).length < AT_ONCE) void all.find((one) => one.state === 'queued')?.run();
}

/** Puts FILES at the end of the queue.  One that is there already is not sent twice: it goes on if it was paused, and is
 * read anew if it has failed. */
export function send(files: Iterable<File>, piece: number): void {
  for (const file of files) {
    const known = sendings.value.all.find((one) => one.isOf(file));
    if (known?.state === 'paused') known.queue();
    if (known && known.state !== 'failed') continue;
    sendings.value = { all: [...sendings.value.all.filter((one) => one !== known), new Sending(file, piece)] };
    changed();
  }
}

addEventListener('beforeunload', (event) => {
  if (sendings.value.all.some((one) => one.state === 'queued' || BUSY.includes(one.state))) event.preventDefault();
});
