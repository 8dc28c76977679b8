// What the server says of a draft: asked once writing rests; what it said of an older draft is told as being looked at again.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { call, Refusal } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import type { Refs, Values } from './draft.ts';
import type { Troubles } from './fields.tsx';

export type Checked = Calls['POST /steps/{step}/check']['answer'];

export interface Check {
  checked: Checked | undefined;
  refusal: Refusal | undefined;
  settled: boolean; // it is said of what is written now
  troubles: Troubles;
}

const REST = 200; // milliseconds
const RETRY = 4000;

export function useCheck(step: string, body: { settings: Values; inputs: Refs; seed: number; save_as: string }): Check {
  const key = JSON.stringify([step, body]);
  const [state, set] = useState<{ key: string; checked?: Checked; refusal?: Refusal }>({ key: '' });
  const [turn, again] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer = setTimeout(() => {
      call('POST /steps/{step}/check', { path: { step }, body }, stop.signal).then((checked) => set({ key, checked }), (problem) => {
        if (stop.signal.aborted) return;
        const refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) });
        set({ key, refusal });
        if (refusal.status === 0 || refusal.status >= 500) timer = setTimeout(() => again((turn) => turn + 1), RETRY);
      });
    }, state.key ? REST : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, turn]);
  const troubles = useMemo(() => new Map((state.checked?.problems ?? []).map((problem) => [problem.key, problem])), [state.checked]);
  return { checked: state.checked, refusal: state.refusal, settled: state.key === key, troubles };
}
