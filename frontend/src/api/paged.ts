// A list that is fetched page by page, as far as the reader scrolls.
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, Refusal, type Ask } from './client.ts';
import { everyRow, type Every } from './every-row.ts';
import { useRetry } from './retry.ts';
import type { Calls } from './schema.ts';

type Page = { rows: unknown[]; next: string | number | null };
export type Listing = { [K in keyof Calls]: Calls[K]['answer'] extends Page ? K : never }[keyof Calls];
export type RowOf<K extends Listing> = Calls[K]['answer'] extends { rows: Array<infer R> } ? R : never;

export interface Paged<R> {
  rows: R[] | undefined;
  total: number | null; // where the server counts
  more: boolean;
  refusal: Refusal | undefined;
  at: number; // when the last page came, milliseconds
  need: (to: number) => void;
  again: () => void;
  all: () => Promise<Every<R>>; // for those who save them
}

/** Rows of WHAT for ASK; PLACE is the parameter that takes `next`. */
export function usePaged<K extends Listing>(what: K, ask: Ask<K>, place = 'after'): Paged<RowOf<K>> {
  type R = RowOf<K>;
  const key = JSON.stringify(ask);
  const [state, set] = useState<{ key: string; rows: R[]; total: number | null; next: string | number | null; refusal?: Refusal | undefined; at: number }>();
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((turn) => turn + 1), []);
  const busy = useRef<AbortController | null>(null);
  const wanted = useRef(0); // rows that somebody looks at
  const failed = useRef(() => {});
  const fetch = (next: string | number | null, known: R[]) => {
    busy.current?.abort();
    const stop = (busy.current = new AbortController());
    const query = { ...(ask as { query?: object }).query, ...(next !== null && { [place]: next }) };
    call(what, { ...ask, query } as Ask<K>, stop.signal).then((page) => {
      const found = page as unknown as Page & { total?: number };
      const rows = [...known, ...(found.rows as R[])];
      set({ key, rows, total: found.total ?? null, next: found.next, at: Date.now() });
      if (found.next !== null && rows.length < wanted.current) fetch(found.next, rows);
    }, (problem) => {
      if (stop.signal.aborted) return;
      failed.current = () => fetch(next, known);
      const refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) });
      set((before) => (before?.key === key ? { ...before, refusal } : { key, rows: [], total: null, next: null, refusal, at: 0 }));
    }).finally(() => {
      if (busy.current === stop) busy.current = null;
    });
  };
  useLayoutEffect(() => {
    fetch(null, []);
    return () => busy.current?.abort();
  }, [key, turn]);
  useRetry(state?.refusal, () => busy.current || failed.current());
  const mine = state && (state.key === key || !state.refusal) ? state : undefined; // rows of the filter before stay until others come
  const need = (to: number) => {
    wanted.current = to;
    if (mine && mine.key === key && mine.next !== null && !busy.current && to >= mine.rows.length - 20) fetch(mine.next, mine.rows);
  };
  return { rows: mine?.at ? mine.rows : undefined, total: mine?.total ?? null, more: (mine?.next ?? null) !== null, refusal: mine?.refusal, at: mine?.at ?? 0, need, again, all: () => everyRow(what, ask, place) };
}
