// One chart for each figure that is asked for, a line for each run in the colour it has in the table.
import { useEffect, useMemo } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { Chart } from '../../chart/chart.tsx';
import { useLooks, zoom, zoomTime } from '../../chart/looks.tsx';
import { isMachine, unitOf } from '../../chart/names.ts';
import type { Line, Point } from '../../chart/points.ts';
import { Empty, Shown } from '../../parts/states.tsx';
import type { Compared } from './rows.ts';

const POINTS = 800;
const POSITION = 'position';
const MOST = 20; // runs on a chart

interface Props {
  runs: Compared[];
  figures: string[];
  drawn: string[];
  turn: (name: string) => void;
  colours: Map<number, number>;
  at: number; // when the runs were told: curves are asked for again then
}

export function BesideCurves({ runs, figures, drawn, turn, colours, at }: Props) {
  const { controls } = useLooks(POSITION);
  return (
    <>
      <div class="bar"><div class="chips" role="group" aria-label="Figures that are drawn">{figures.map((name) => <button key={name} type="button" class="chip" aria-pressed={drawn.includes(name)} onClick={() => turn(name)}>{name}</button>)}</div></div>
      {controls}
      {runs.length > MOST && <p class="muted">The first {MOST} runs are drawn.</p>}
      {drawn.length ? <div class={`charts${drawn.length === 1 ? ' one' : ''}`}>{drawn.map((name) => <One key={name} name={name} runs={runs.slice(0, MOST)} colours={colours} at={at} tall={drawn.length === 1 ? 320 : 240} />)}</div>
        : <Empty title="No figure is chosen">Choose one above: its curves are drawn on one axis.</Empty>}
    </>
  );
}

/** What machines did has no positions: it is drawn over time, whatever the others are drawn over. */
function One({ name, runs, colours, at, tall }: { name: string; runs: Compared[]; colours: Map<number, number>; at: number; tall: number }) {
  const { looks } = useLooks(isMachine(name) ? null : POSITION);
  const span = looks.low !== null && looks.high !== null ? { low: looks.low, high: looks.high } : {};
  const x = looks.time ? 'since' as const : 'at' as const;
  const answer = useAnswer('GET /compare/curves', { query: { runs: runs.map((run) => run.id).join(','), name, points: POINTS, x, ...span } });
  useEffect(() => {
    if (answer.value) answer.again();
  }, [at]);
  const lines = useMemo(() => runs.flatMap((run): Line[] => {
    const curve = answer.value?.curves[run.id];
    return curve ? [{ name: `${run.id} ${run.label || run.step}`, points: curve.points as Point[], count: curve.count, colour: colours.get(run.id) ?? 0 }] : [];
  }), [answer.value, placesIn(runs, colours)]);
  return (
    <Shown of={answer} what={`The curves of ${name}`} lines={6}>{() => (
      <Chart title={name} lines={lines} looks={{ ...looks, time: false, xTitle: looks.time ? 'seconds since it began' : looks.xTitle, yTitle: unitOf(name) || name }} zoom={isMachine(name) ? zoomTime : zoom} height={tall} />
    )}</Shown>
  );
}

/** What of RUNS their lines say: when it is the same, so are the lines. */
const placesIn = (runs: Compared[], colours: Map<number, number>): string => runs.map((run) => `${run.id} ${run.label} ${colours.get(run.id)}`).join('\n');
