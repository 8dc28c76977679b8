// One WebSocket for all that the tab watches.  After a break each topic goes on after the last number that was heard.
import { base, call } from './client.ts';
import { pause, Topic, type Message } from './topics.ts';
import { Cell } from '../parts/cell.ts';

/** Is told of news, of the moment from which on it hears all, and of a gap that nobody can fill. */
export type Listener = (data: unknown, kind: 'begin' | 'take' | 'reset') => void;
export interface Link {
  state: 'off' | 'live' | 'lost' | 'paused';
  since: number; // milliseconds
}

const HIDDEN = 5; // seconds between updates of a tab that nobody sees
const SILENCE = 15_000; // milliseconds; the server gives a sign of life every 5 s
const ENDED = 4401; // the session is over
const OPENS = 5000; // milliseconds until a line that does not open is given up: somebody between may swallow it

class Live {
  readonly link = new Cell<Link>({ state: 'off', since: Date.now() });
  #socket: WebSocket | null = null;
  #topics = new Map<string, { topic: Topic; listeners: Set<Listener> }>();
  #attempt = 0;
  #heard = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  start(): void {
    if (this.#socket || this.link.value.state === 'paused') return;
    clearTimeout(this.#timer);
    const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/live`);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), OPENS);
    socket.onmessage = (event) => this.#hear(JSON.parse(event.data) as Message);
    socket.onclose = ({ code }) => this.#socket === socket && this.#broke(code);
  }

  stop(state: 'off' | 'paused' = 'off'): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (state === 'off') for (const entry of this.#topics.values()) entry.topic.n = null;
    this.#say(state);
  }

  toggle(): void {
    if (this.link.value.state !== 'paused') return this.stop('paused');
    this.#say('off');
    this.start();
  }

  pace(hidden: boolean): void {
    this.#send({ pace: hidden ? HIDDEN : 0 });
  }

  get up(): boolean {
    return this.link.value.state === 'live';
  }

  /** Whether it is, or will be in a moment: it is being opened for the first time. */
  get coming(): boolean {
    return this.up || (this.link.value.state === 'off' && this.#socket !== null);
  }

  /** Whether all news of TOPIC are heard, now or after a break. */
  begun(name: string): boolean {
    return (this.#topics.get(name)?.topic.n ?? null) !== null;
  }

  /** Calls LISTENER until the function that comes back is called. */
  subscribe(name: string, listener: Listener): () => void {
    let entry = this.#topics.get(name);
    if (!entry) {
      entry = { topic: new Topic(), listeners: new Set() };
      this.#topics.set(name, entry);
      this.#send({ subscribe: name, since: null });
    }
    entry.listeners.add(listener);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size || this.#topics.get(name) !== entry) return;
      this.#topics.delete(name);
      this.#send({ unsubscribe: name });
    };
  }

  #opened(): void {
    this.#attempt = 0;
    this.#heard = Date.now();
    this.#say('live');
    if (document.hidden) this.pace(true);
    for (const [name, { topic }] of this.#topics) this.#send({ subscribe: name, since: topic.n });
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      if (Date.now() - this.#heard < SILENCE) return;
      this.#socket?.close();
      this.#broke(0); // the other side may be gone without a word
    }, SILENCE / 3);
  }

  #broke(code: number): void {
    this.#socket = null;
    clearInterval(this.#watch);
    this.#say('lost');
    if (code === ENDED || this.#attempt % 4 === 3) call('GET /me').catch(() => undefined); // is it the session?
    this.#timer = setTimeout(() => this.start(), pause(this.#attempt++, Math.random()));
  }

  #hear(message: Message): void {
    this.#heard = Date.now();
    const entry = this.#topics.get(message.topic);
    if (!entry || typeof message.n !== 'number') return; // a sign of life, or a refusal: the page's own request says why
    const verdict = entry.topic.judge(message);
    if (verdict === 'ask') this.#send({ subscribe: message.topic, since: entry.topic.n });
    else if (verdict !== 'drop') for (const listener of [...entry.listeners]) listener(message.data, verdict);
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #say(state: Link['state']): void {
    if (this.link.value.state !== state) this.link.value = { state, since: Date.now() };
  }
}

export const live = new Live();
document.addEventListener('visibilitychange', () => live.pace(document.hidden));
