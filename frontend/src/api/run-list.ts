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

/** ROWS as they are by now.  New runs go on top where the newest stand there; elsewhere they are only counted. */
export function withChanges(rows: Run[], changed: Run[], sort: string): { rows: Run[]; added: number; elsewhere: number } {
  const fresh = new Map(changed.map((run) => [run.id, run]));
  const known = new Set(rows.map((run) => run.id));
  const after = rows.map((run) => fresh.get(run.id) ?? run);
  const newest = Math.max(0, ...rows.map((run) => run.id));
  const added = changed.filter((run) => !known.has(run.id) && run.id > newest).sort((a, b) => b.id - a.id);
  if (sort !== '-started' && sort !== '-id') return { rows: after, added: 0, elsewhere: added.length };
  return { rows: [...added, ...after], added: added.length, elsewhere: 0 };
}
