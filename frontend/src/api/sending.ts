// Files on their way to the server: in pieces, one after the other, going on by themselves after a break.
import { call, Refusal } from './client.ts';
import type { Calls } from './schema.ts';
import { Cell } from '../parts/cell.ts';
import { Sha256 } from '../parts/sha256.ts';

export type Upload = Calls['GET /uploads/{id}']['answer'];
export type State = 'sending' | 'paused' | 'waiting' | 'whole' | 'failed';

const PAUSES = [500, 1000, 2000, 4000]; // milliseconds between attempts while nobody answers

/** One file.  Its SHA-256 is counted here while it goes, to be compared with what came. */
export class Sending {
  readonly file: File;
  readonly begun = Date.now();
  upload: Upload | undefined;
  state: State = 'sending';
  sent = 0;
  from = 0; // where this attempt began: what lay there before cost no time
  sha256 = '';
  refusal: Refusal | undefined;
  #stop = new AbortController();

  constructor(file: File) {
    this.file = file;
  }

  async run(piece: number): Promise<void> {
    this.#stop = new AbortController();
    this.#be('sending');
    try {
      this.upload = await this.#asked(() => this.#begun());
      ours.add(this.upload.id);
      this.sent = this.from = this.upload.received;
      const hash = new Sha256();
      for (let at = 0; at < this.sent; at += piece) await this.#count(hash, at, Math.min(at + piece, this.sent));
      while (this.sent < this.file.size) {
        const end = Math.min(this.sent + piece, this.file.size);
        await this.#count(hash, this.sent, end);
        const now = await this.#asked(() => this.#put(end));
        this.sent = now.received;
        changed();
      }
      this.sha256 = hash.hex();
      this.#be('whole');
    } catch (problem) {
      if (this.#stop.signal.aborted) return;
      this.refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: `${this.file.name} cannot be read: it was moved or changed`, to_do: 'choose it again' });
      this.#be('failed');
    }
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
  async #begun(): Promise<Upload> {
    const { name, size, lastModified: modified } = this.file;
    const { rows } = await call('GET /uploads', {}, this.#stop.signal);
    const known = rows.find((one) => one.name === name.normalize() && one.size === size && one.modified === modified);
    return known ?? call('POST /uploads', { body: { name, size, modified } }, this.#stop.signal);
  }

  async #put(end: number): Promise<Upload> {
    const path = { id: this.upload!.id };
    try {
      return await call('PUT /uploads/{id}', { path, query: { at: this.sent }, body: this.file.slice(this.sent, end) }, this.#stop.signal);
    } catch (problem) {
      if (!(problem instanceof Refusal) || problem.status !== 409 || problem.fact('key') !== 'at') throw problem;
      const now = await call('GET /uploads/{id}', { path }, this.#stop.signal); // it came, and its answer was lost
      if (now.received !== end) throw problem;
      return now;
    }
  }

  async #count(hash: Sha256, from: number, to: number): Promise<void> {
    hash.add(new Uint8Array(await this.file.slice(from, to).arrayBuffer()));
  }

  /** What ASK gives, asked again for as long as nobody answers. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const found = await ask();
        if (this.state === 'waiting') this.#be('sending');
        return found;
      } catch (problem) {
        if (this.#stop.signal.aborted || !(problem instanceof Refusal) || (problem.status > 0 && problem.status < 500 && problem.status !== 429)) throw problem;
        this.#be('waiting');
        await new Promise((resolve) => setTimeout(resolve, PAUSES[Math.min(attempt, PAUSES.length - 1)]));
        if (this.#stop.signal.aborted) throw problem;
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
const changed = () => (sendings.value = { all: sendings.value.all });
export const remove = (one: Sending) => (sendings.value = { all: sendings.value.all.filter((other) => other !== one) });

export function send(files: Iterable<File>, piece: number): void {
  const fresh = [...files].map((file) => new Sending(file));
  sendings.value = { all: [...sendings.value.all, ...fresh] };
  for (const one of fresh) void one.run(piece);
}

addEventListener('beforeunload', (event) => {
  if (sendings.value.all.some((one) => one.state === 'sending' || one.state === 'waiting')) event.preventDefault();
});
