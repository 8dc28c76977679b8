// The list of runs: pages are fetched as far as the reader scrolls, rows change as runs do.
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, Refusal } from './client.ts';
import { useRetry } from './retry.ts';
import { useTopic } from './topic.ts';
import { withChanges, type Filter } from './run-list.ts';
import type { Run } from './kinds.ts';

const PAGE = 200;

interface State {
  filter: string; // what rows and total are of
  rows: Run[];
  total: number | null;
  next: string | null;
  fresh: Set<number>; // runs that came since, and would stand elsewhere than at the top
  refusal?: Refusal | undefined;
  at: number;
}

export function useRuns(filter: Filter) {
  const [state, set] = useState<State>({ filter: '', rows: [], total: null, next: null, fresh: new Set(), at: 0 });
  const [turn, setTurn] = useState(0);
  const wanted = useRef(0);
  const busy = useRef<AbortController | null>(null);
  const now = useRef(state);
  now.current = state;
  const key = JSON.stringify(filter);
  const again = useCallback(() => setTurn((turn) => turn + 1), []);

  const ready = useTopic<{ changed: Run[] }>('runs', ({ changed }) => set((before) => {
    if (before.total === null) return before;
    const { rows, added, elsewhere } = withChanges(before.rows, changed, JSON.parse(before.filter) as Filter, before.next === null);
    return { ...before, rows, total: before.total + added, fresh: new Set([...before.fresh, ...elsewhere]), at: Date.now() };
  }), again);

  const fetchPage = (after: string | null, stop: AbortController) => {
    busy.current = stop;
    call('GET /runs', { query: { ...filter, limit: PAGE, ...(after !== null && { after }) } }, stop.signal).then((page) => {
      if (busy.current === stop) busy.current = null;
      const rows = after === null ? page.rows : [...now.current.rows, ...page.rows.filter((run) => !now.current.rows.some((known) => known.id === run.id))];
      now.current = { filter: key, rows, total: page.total, next: page.next ?? null, fresh: after === null ? new Set() : now.current.fresh, at: Date.now() };
      set(now.current);
      if (rows.length < wanted.current && page.next) fetchPage(page.next, new AbortController());
    }, (problem) => {
      if (busy.current === stop) busy.current = null;
      if (!stop.signal.aborted) set((before) => ({ ...before, refusal: problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) }) }));
    });
  };

  useLayoutEffect(() => {
    if (!ready) return;
    busy.current?.abort();
    const stop = new AbortController();
    fetchPage(null, stop);
    return () => busy.current?.abort();
  }, [key, turn, ready]);

  useRetry(state.refusal, again);

  const need = (to: number) => {
    wanted.current = to;
    const { rows, next } = now.current;
    if (to > rows.length - PAGE / 4 && next && !busy.current) fetchPage(next, new AbortController());
  };
  return { ...state, fresh: state.fresh.size, settled: state.filter === key, need, again };
}
