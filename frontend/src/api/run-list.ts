// How a list of runs changes when runs do.
import type { Run } from './kinds.ts';

export interface Filter {
  sort: string;
  state: string;
  step: string;
  text: string;
}

/** Whether the server would list RUN for FILTER. */
export function fits(run: Run, { state, step, text }: Filter): boolean {
  const sought = text.toLowerCase();
  return (!state || state.split(',').includes(run.state)) && (!step || step.split(',').includes(run.step))
    && (!sought || run.label.toLowerCase().includes(sought) || run.step.toLowerCase().includes(sought) || String(run.id) === sought);
}

// In which order the newest stand on top.
const NEWEST: Record<string, (a: Run, b: Run) => number> = {
  '-id': (a, b) => b.id - a.id,
  '-started': (a, b) => (a.started === b.started ? b.id - a.id : a.started < b.started ? 1 : -1),
};

/** ROWS, which are all that FILTER leaves if WHOLE, as they are by now, and how many more there are.  A run that does not
 * fit any more is gone, one that does by now stands where it belongs as far as rows are known.  Where the newest do not
 * stand on top, those that came are not shoved in: ELSEWHERE are their numbers. */
export function withChanges(rows: Run[], changed: Run[], filter: Filter, whole: boolean): { rows: Run[]; added: number; elsewhere: number[] } {
  const fresh = new Map(changed.map((run) => [run.id, run]));
  const known = new Set(rows.map((run) => run.id));
  const after = rows.map((run) => fresh.get(run.id) ?? run).filter((run) => !fresh.has(run.id) || fits(run, filter));
  const came = changed.filter((run) => !known.has(run.id) && fits(run, filter));
  const order = NEWEST[filter.sort];
  if (!order) {
    const newest = whole ? 0 : Math.max(0, ...known); // an older one may have been counted, where nobody scrolled to
    return { rows: after, added: after.length - rows.length, elsewhere: came.filter((run) => run.id > newest).map((run) => run.id) };
  }
  const here = came.filter((run) => whole || order(run, rows.at(-1)!) < 0);
  return { rows: here.length ? [...here, ...after].sort(order) : after, added: here.length + after.length - rows.length, elsewhere: [] };
}
