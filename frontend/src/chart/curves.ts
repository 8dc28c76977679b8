// The curves of a run: fetched once at the width of the screen, then grown by the live topic of the run.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useAnswer, type Answer } from '../api/answer.ts';
import { useTopic } from '../api/topic.ts';
import type { Curves } from '../api/kinds.ts';
import type { Line, Point } from './points.ts';
import { Tail, type Report } from './tail.ts';

const POINTS = 800;
const MOST = 64; // curves that the server tells at once
const LONG = 4000; // reports after which curves are fetched again instead of growing on

interface Ask {
  points?: number;
  time?: boolean;
  low?: number | null;
  high?: number | null;
}

/** LINES is undefined until the first answer; names that the run has not reported have no points. */
export function useCurves(run: number, names: string[], { points = POINTS, time = false, low = null, high = null }: Ask): { lines: Line[] | undefined; answer: Answer<Curves> } {
  const tail = useRef(new Tail());
  const [turn, redraw] = useState(0);
  const again = useRef(() => {});
  const asked = useRef(false);
  const wanted = names.slice(0, MOST).join(',');
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  const draw = () => {
    frame.current = 0;
    if (tail.current.length > LONG && !asked.current) {
      asked.current = true;
      again.current();
    }
    redraw((turn) => turn + 1);
  };
  const ready = useTopic<{ points?: Report[] }>(`run/${run}`, ({ points }) => {
    if (tail.current.add(points ?? [])) frame.current ||= requestAnimationFrame(draw);
  }, () => again.current());
  const query = { names: wanted, points, x: time ? 'time' as const : 'at' as const, ...(low !== null && high !== null && { low, high }) };
  const answer = useAnswer('GET /runs/{id}/curves', { path: { id: run }, query }, ready && wanted);
  again.current = answer.again;
  useEffect(() => {
    if (answer.value) tail.current.settle(answer.value.through);
    asked.current = false;
  }, [answer.value]);
  const lines = useMemo(() => {
    if (!answer.value) return undefined;
    const { curves, through } = answer.value;
    const fetched = names.map((name) => ({ name, count: curves[name]?.count ?? 0, time: curves[name] ? curves[name].by === 'time' : time, points: (curves[name]?.points ?? []) as Point[] }));
    return tail.current.onto(fetched, through, high);
  }, [answer.value, turn, wanted, time]);
  return { lines, answer };
}
