// A chart by keys: the cross-hair goes from point to point, + and - zoom around it.
import { useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Line } from './points.ts';

type Cut = [low: number | null, high: number | null]; // null: nothing is cut off
export type Zoom = (...cut: Cut) => void;
type Span = [low: number, high: number];
type Put = (at: { left: number; top: number }, tell: boolean, share: boolean) => void; // uPlot's types lack the last

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const FACTORS: Record<string, number> = { '+': 0.5, '=': 0.5, '-': 2 };
const FAR = 10; // points at once, with Shift

/** Which of XS is BY points from number AT, among those from LOW to HIGH; from outside of them where AT is null. */
export function stepped(xs: number[], low: number, high: number, at: number | null, by: number): number | null {
  const first = xs.findIndex((x) => x >= low);
  const last = xs.findLastIndex((x) => x <= high);
  if (first < 0 || last < first) return null;
  return Math.max(first, Math.min(last, (at ?? (by > 0 ? first - 1 : last + 1)) + by));
}

/** From LOW to HIGH, FACTOR times as wide around CENTRE; null for all, from FIRST to LAST, and never less than two of XS. */
export function zoomed(xs: number[], [first, last]: Span, [low, high]: Span, centre: number, factor: number): Cut {
  const from = Math.max(centre - (centre - low) * factor, first);
  const to = Math.min(centre + (high - centre) * factor, last);
  if (from === first && to === last) return [null, null];
  return xs.filter((x) => x >= from && x <= to).length < 2 ? [low, high] : [from, to];
}

const spanOf = (lines: Line[]): Span => [Math.min(...lines.map((line) => line.points[0]?.[0] ?? Infinity)), Math.max(...lines.map((line) => line.points.at(-1)?.[0] ?? -Infinity))];

/** Puts the cross-hair at X, null: away; SHARED with the other charts of the page. */
function put(plot: uPlot, x: number | null, shared: boolean): void {
  const at = x === null ? { left: -10, top: -10 } : { left: plot.valToPos(x, 'x'), top: 2 * plot.over.clientHeight }; // no height is meant: its line is out of sight
  (plot.setCursor as Put)(at, true, shared);
}

/** What makes the PLOT in a box go by keys; WHOLE are its lines while nothing is cut off.  PRESSES counts moves of the
 * cross-hair, so that each is told once. */
export function useKeys(plot: { current: uPlot | null }, zoom: Zoom, whole: Line[] | null) {
  const [presses, count] = useState(0);
  const held = useRef<number | null>(null); // where keys have put the cross-hair: whoever zooms is shown another plot
  const all = useRef<Span>([-Infinity, Infinity]);
  if (whole) all.current = spanOf(whole); // of what is zoomed into, no more than that part may be known
  const leave = () => {
    if (held.current !== null && plot.current) put(plot.current, null, true);
    held.current = null;
    count(0);
  };
  const press = (event: KeyboardEvent) => {
    const { data, scales, cursor } = plot.current ?? {};
    const { min: low, max: high } = scales?.['x'] ?? {};
    const xs = data?.[0] as number[] | undefined;
    if (event.ctrlKey || event.metaKey || event.altKey || !xs?.length || low === undefined || high === undefined) return;
    const by = STEPS[event.key];
    const factor = FACTORS[event.key];
    if (by) {
      const at = stepped(xs, low, high, cursor?.idx ?? null, event.shiftKey ? FAR * by : by);
      if (at === null) return;
      put(plot.current!, (held.current = xs[at]!), true);
      count((presses) => presses + 1);
    } else if (factor) zoom(...zoomed(xs, all.current, [low, high], held.current ?? xs[cursor?.idx ?? -1] ?? (low + high) / 2, factor));
    else if (event.key === '0' || event.key === 'Escape') zoom(null, null);
    else return;
    event.preventDefault();
  };
  const ready = (made: uPlot) => held.current !== null && put(made, held.current, false);
  return { presses, ready, on: { onKeyDown: press, onBlur: leave, onMouseMove: () => { held.current = null; } } };
}
