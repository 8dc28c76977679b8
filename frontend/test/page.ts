// What the console's modules want of a browser, for tests that need no picture: import it before them.
import { mock } from 'node:test';

const nothing = () => undefined;
Object.assign(globalThis, {
  document: { baseURI: 'http://127.0.0.1:1/', hidden: false, addEventListener: nothing, removeEventListener: nothing },
  location: { hash: '' },
  addEventListener: nothing,
});

export const body = (value: unknown, status = 200): Response => new Response(JSON.stringify(value), { status });

/** Answers each request as ANSWER does, given the method and the path behind the API's; gives what was asked so far. */
export function answering(answer: (what: string, request: RequestInit) => Response | Promise<Response>): string[] {
  const asked: string[] = [];
  mock.method(globalThis, 'fetch', async (address: string, request: RequestInit) => {
    const what = `${request.method} ${address.replace(/.*\/api\/v1/, '')}`;
    asked.push(what);
    request.signal?.throwIfAborted();
    return answer(what, request);
  });
  return asked;
}

/** Lets what is due happen, until TRUE is. */
export async function until(true_: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !true_(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!true_()) throw new Error(`it never came to this: ${true_}`);
}
