// Curves of a run by subject, with one smoothing, one x axis, one zoom; all of it in the address.
import type { RunDetail } from '../../api/kinds.ts';
import { Chart } from '../../chart/chart.tsx';
import { useCurves } from '../../chart/curves.ts';
import { panels, subject, unitOf } from '../../chart/names.ts';
import { useLooks, zoom } from '../../chart/looks.tsx';
import type { Looks } from '../../chart/plot.ts';
import type { Line } from '../../chart/points.ts';
import { Empty, Shown } from '../../parts/states.tsx';

const KEY_HEIGHT = 260;

export function Curves({ run, names, first, none }: { run: RunDetail; names: string[]; first: string | null; none: string }) {
  const { looks, controls } = useLooks(positions(run));
  const { lines, answer } = useCurves(run.id, names, { time: looks.time, low: looks.low, high: looks.high });
  if (!names.length) return <Empty title={run.ended ? 'No curves' : 'No curves yet'}>{none}</Empty>;
  const drawn = lines ?? [];
  const groups = panels(names).sort((a, b) => Number(b.names.includes(first ?? '')) - Number(a.names.includes(first ?? '')));
  return (
    <>
      {controls}
      <Shown of={answer} what="The curves" lines={8}>{() => (
        <div class={`charts${groups.length === 1 ? ' one' : ''}`}>{groups.map((group) => (
          <Panel key={group.title} title={group.title} lines={drawn.filter((line) => group.names.includes(line.name))} looks={looks} height={groups.length === 1 ? KEY_HEIGHT : 220} />
        ))}</div>
      )}</Shown>
    </>
  );
}

/** The figure that the run is judged by, above whatever tab is open. */
export function KeyCurve({ run, name }: { run: RunDetail; name: string }) {
  const { looks } = useLooks(positions(run));
  const { lines, answer } = useCurves(run.id, [name], { time: looks.time, low: looks.low, high: looks.high });
  return <Shown of={answer} what="The curve" lines={4}>{() => <Panel title={subject(name)} lines={lines ?? []} looks={looks} height={160} />}</Shown>;
}

/** A figure that was reported without a position is drawn over time, whatever the others are drawn over. */
function Panel({ title, lines, looks, height }: { title: string; lines: Line[]; looks: Looks; height: number }) {
  const time = lines.some((line) => line.time);
  return <Chart title={title} lines={lines} looks={{ ...looks, time, xTitle: time ? 'time' : looks.xTitle, yTitle: unitOf(lines[0]?.name ?? '') || title }} zoom={zoom} height={height} />;
}

const positions = (run: RunDetail): string => (run.step.endsWith('train') ? 'epoch' : 'position');
