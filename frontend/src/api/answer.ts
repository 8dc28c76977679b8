// A call whose answer a page shows: the last good answer stays while a newer one is fetched or fails.
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, Refusal, type Ask } from './client.ts';
import type { Calls } from './schema.ts';

export interface Answer<T> {
  value: T | undefined;
  refusal: Refusal | undefined;
  at: number; // when value came, milliseconds
  again: () => void;
  change: (edit: (value: T) => T) => void;
}

export const RETRY = 4000; // milliseconds, while nobody answers

export function useAnswer<K extends keyof Calls>(what: K, ask: Ask<K> = {}, ready: unknown = true): Answer<Calls[K]['answer']> {
  type T = Calls[K]['answer'];
  const key = `${what} ${JSON.stringify(ask)}`;
  const subject = `${what} ${JSON.stringify((ask as { path?: unknown }).path ?? '')}`;
  const [state, set] = useState<{ subject: string; value?: T; refusal?: Refusal; at: number }>({ subject, at: 0 });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((turn) => turn + 1), []);
  const latest = useRef(ask);
  latest.current = ask;
  useLayoutEffect(() => { // before the frame is painted: meanwhile the server works, here and wherever else something is asked for
    if (!ready) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    call(what, latest.current, stop.signal)
      .then((value) => set({ subject, value, at: Date.now() }))
      .catch((problem) => {
        if (stop.signal.aborted) return;
        const refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) });
        set((before) => (before.subject === subject ? { ...before, refusal } : { subject, refusal, at: 0 }));
        if (refusal.passing) timer = setTimeout(again, RETRY);
      });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, turn, Boolean(ready)]);
  const change = useCallback((edit: (value: T) => T) => set((before) => (
    before.value === undefined ? before : { ...before, value: edit(before.value), at: Date.now() })), []);
  const mine = state.subject === subject;
  return { value: mine ? state.value : undefined, refusal: mine ? state.refusal : undefined, at: state.at, again, change };
}
