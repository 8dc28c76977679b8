// Rows of a dataset by their number: what comes into view is fetched, in pages, and kept.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, Refusal } from './client.ts';
import { MOST, type Every } from './every-row.ts';
import type { Calls } from './schema.ts';

export type Cells = Calls['GET /datasets/{digest}/rows']['answer'];
const PAGE = 200;
const KEPT = 50; // pages

export function useCells(digest: string, first: number) {
  const [head, tell] = useState<Cells>();
  const [refusal, refuse] = useState<Refusal>();
  const [, draw] = useState(0);
  const pages = useRef(new Map<number, Cells['rows'] | null>()); // null: on its way
  const stop = useRef(new AbortController());

  const fetch = (page: number) => {
    if (pages.current.has(page)) return;
    if (pages.current.size >= KEPT) pages.current.delete(pages.current.keys().next().value!);
    pages.current.set(page, null);
    const { signal } = stop.current;
    call('GET /datasets/{digest}/rows', { path: { digest }, query: { start: page * PAGE, limit: PAGE, first } }, signal).then((found) => {
      pages.current.set(page, found.rows);
      tell((before) => before ?? found);
      draw((n) => n + 1);
    }, (problem) => {
      if (signal.aborted) return;
      pages.current.delete(page);
      refuse(problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) }));
    });
  };
  const begin = () => {
    stop.current = new AbortController();
    pages.current.clear();
    tell(undefined);
    refuse(undefined);
    fetch(0);
  };
  useLayoutEffect(() => {
    begin();
    return () => stop.current.abort();
  }, [digest, first]);
  const need = (from: number, to: number) => {
    for (let page = Math.floor(from / PAGE); page <= Math.floor(Math.max(from, to - 1) / PAGE); page++) fetch(page);
  };
  return { head, refusal, need, again: begin, row: (i: number) => pages.current.get(Math.floor(i / PAGE))?.[i % PAGE] };
}

/** The first MOST rows of columns from FIRST on, for those who save what they see. */
export async function everyCells(digest: string, first: number): Promise<Every<unknown[]>> {
  const rows: unknown[][] = [];
  let total: number;
  do {
    const page = await call('GET /datasets/{digest}/rows', { path: { digest }, query: { start: rows.length, limit: PAGE, first } });
    rows.push(...page.rows);
    total = page.rows.length ? page.total : rows.length; // fewer than were told: that was all
  } while (rows.length < Math.min(total, MOST));
  return { rows: rows.slice(0, MOST), more: total > MOST };
}
