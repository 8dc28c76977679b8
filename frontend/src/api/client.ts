// Calls of the API by their names in openapi.json: what they take and answer is checked when the console is built.
import type { Calls } from './schema.ts';
import { Cell } from '../parts/cell.ts';

export type Me = Calls['GET /me']['answer'];
export type Ask<K extends keyof Calls> = {
  [Part in 'path' | 'query' | 'body' as Calls[K][Part] extends undefined ? never : Part]?: Calls[K][Part];
};

/** Who is signed in: undefined until the server has said, null when nobody is. */
export const me = new Cell<Me | null | undefined>(undefined);

/** What the server, or the way there, has against a request. */
export class Refusal extends Error {
  readonly status: number; // 0: no answer came
  readonly facts: Record<string, unknown>;

  constructor(status: number, facts: Record<string, unknown>) {
    super(String(facts['error'] ?? (status ? `the server answered ${status}` : 'the server does not answer')));
    this.status = status;
    this.facts = facts;
  }

  /** Whether the same request may go well a little later: nobody answered, or the server failed. */
  get passing(): boolean {
    return this.status === 0 || this.status >= 500;
  }

  fact(name: string): string | null {
    const value = this.facts[name];
    return value === null || value === undefined || value === '' ? null : String(value);
  }
}

export const base = new URL('api/v1', document.baseURI).href.replace(/[?#].*/, '');

export async function call<K extends keyof Calls>(what: K, ask: Ask<K> = {}, signal?: AbortSignal): Promise<Calls[K]['answer']> {
  const [method, template] = (what as string).split(' ') as [string, string];
  const parts = ask as { path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };
  const address = base + filled(template, parts.path ?? {}) + queryOf(parts.query ?? {});
  const headers: Record<string, string> = { accept: 'application/json' };
  const raw = parts.body instanceof Blob;
  if (parts.body !== undefined) headers['content-type'] = raw ? 'application/octet-stream' : 'application/json';
  if (method !== 'GET' && me.value) headers['x-csrf-token'] = me.value.csrf;
  const body = parts.body === undefined ? null : raw ? parts.body as Blob : JSON.stringify(parts.body);
  const answer = await reach(address, { method, headers, body, signal: signal ?? null });
  if (answer.ok) return answer.status === 204 || answer.headers.get('content-length') === '0' ? undefined : await answer.json();
  const refusal = new Refusal(answer.status, await facts(answer));
  if (answer.status === 401 && !template.startsWith('/session')) me.value = null;
  throw refusal;
}

async function reach(address: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { ...request, credentials: 'same-origin', redirect: 'error' });
  } catch (problem) {
    if ((problem as Error).name === 'AbortError') throw problem;
    throw new Refusal(0, { to_do: 'see whether `aimass up` is still running; the console tries again by itself' });
  }
}

async function facts(answer: Response): Promise<Record<string, unknown>> {
  const wait = answer.headers.get('retry-after');
  try {
    return { ...(await answer.json()), ...(wait && { retry_after: wait }) };
  } catch {
    return { error: `the server answered ${answer.status} ${answer.statusText}` };
  }
}

function filled(template: string, values: Record<string, unknown>): string {
  return template.replace(/\{(\w+)(?::\w+)?\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}

function queryOf(values: Record<string, unknown>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : '';
}
