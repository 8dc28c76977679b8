// How many runs are going, for the top bar: asked once, then told by the live topic of all runs.
import { useLayoutEffect, useState } from 'preact/hooks';
import { call, me } from './client.ts';
import type { Run } from './kinds.ts';
import { useTopic } from './topic.ts';
import { allows } from '../parts/rights.ts';
import { GOING } from '../parts/state.tsx';

export function useRunning(): number | null {
  const [going, set] = useState<Set<number> | null>(null);
  const [turn, again] = useState(0);
  const ready = useTopic<{ changed: Run[] }>('runs', ({ changed }) => set((before) => before && changed.reduce(withRun, before)), () => again((turn) => turn + 1));
  useLayoutEffect(() => {
    if (!ready || !allows(me.value, 'runs.see')) return;
    call('GET /runs', { query: { state: 'running,stopping', limit: 500 } }).then((page) => set(new Set(page.rows.map((run) => run.id))), () => undefined);
  }, [ready, turn]);
  return going && going.size;
}

function withRun(before: Set<number>, run: Run): Set<number> {
  const is = GOING.includes(run.state);
  if (is === before.has(run.id)) return before;
  const after = new Set(before);
  if (is) after.add(run.id);
  else after.delete(run.id);
  return after;
}
