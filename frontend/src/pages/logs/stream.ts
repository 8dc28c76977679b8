// Lines of all logs: the last ones, then older ones when one scrolls up, and new ones as they are said.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, Refusal } from '../../api/client.ts';
import { useAlone } from '../../api/news.ts';
import { useRetry } from '../../api/retry.ts';
import type { Calls } from '../../api/schema.ts';
import { useTopic } from '../../api/topic.ts';
import { FIRST, MOST, PAGE } from '../../parts/lines.ts';
import { REST } from '../../parts/soon.ts';

export type Said = Calls['GET /log']['answer']['lines'][number];
type Query = NonNullable<Calls['GET /log']['query']>;

interface Wanted {
  of: string;
  level: string;
  text: string;
  line: string;
}

interface State {
  lines?: Said[];
  older?: string | null;
  newer?: string | null;
  refusal?: Refusal;
  at: number;
}

export function useStream({ of, level, text, line }: Wanted) {
  const [state, set] = useState<State>({ at: 0 });
  const [turn, next] = useState(0);
  const busy = useRef(false);
  const due = useRef(false); // more was said while something was asked
  const up = useRef(false); // older lines were wanted meanwhile
  const failed = useRef(() => {});
  const now = useRef(state);
  now.current = state;
  const stop = useRef(new AbortController());
  const query = { of, text, ...(level && { level: level as NonNullable<Query['level']> }) };
  const ask = (more: Partial<Query>, add: (before: State, page: Calls['GET /log']['answer']) => State) => {
    if (busy.current) return;
    busy.current = true;
    const { signal } = stop.current;
    call('GET /log', { query: { ...query, ...more } as Query }, signal)
      .then((page) => set((before) => add({ ...before, at: Date.now() }, page)), (refusal) => {
        if (signal.aborted) return;
        failed.current = () => ask(more, add);
        set((before) => ({ ...before, refusal }));
      })
      .finally(() => signal === stop.current.signal && (busy.current = false));
  };
  const newest = () => {
    due.current = busy.current || !now.current.newer;
    if (due.current) return;
    ask({ after: now.current.newer!, limit: PAGE }, ({ refusal, ...before }, page) => {
      due.current ||= page.lines.length === PAGE;
      return grown(before, page.lines, page.newer ?? null);
    });
  };
  const ready = useTopic('log', newest, newest);
  useAlone(newest);
  const above = () => {
    const { older, lines } = now.current;
    up.current = busy.current;
    if (busy.current || !older || !lines || lines.length >= MOST) return;
    ask({ before: older, limit: PAGE }, ({ refusal, ...before }, page) => ({ ...before, lines: [...page.lines, ...before.lines ?? []], older: page.older ?? null }));
  };
  useEffect(() => {
    if (due.current && !busy.current) newest();
    if (up.current && !busy.current) above();
  }, [state]);
  useRetry(state.refusal, () => failed.current());
  useLayoutEffect(() => {
    if (!ready) return;
    due.current = Boolean(line); // what follows it is read to its end
    stop.current = new AbortController();
    busy.current = true; // with what is asked after the rest: news do not come between
    const begin = () => {
      busy.current = false;
      ask({ limit: FIRST, ...(line && { line }) }, (before, page) => ({ ...page, at: before.at }));
    };
    const timer = setTimeout(begin, text ? REST : 0);
    return () => {
      clearTimeout(timer);
      stop.current.abort();
    };
  }, [of, level, text, turn, ready]);
  return { lines: state.lines, refusal: state.refusal, at: state.at, more: Boolean(state.older), above, again: () => next((turn) => turn + 1) };
}

/** Lines at the end of those that are there; what a tab cannot hold is left out at the begin, and is not above it any more. */
export function grown(before: State, lines: Said[], newer: string | null): State {
  if (!lines.length) return { ...before, newer };
  const all = [...before.lines ?? [], ...lines];
  return all.length > MOST ? { ...before, lines: all.slice(-MOST), older: null, newer } : { ...before, lines: all, newer };
}
