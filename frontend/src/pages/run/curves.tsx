// Curves of a run by subject, with one smoothing, one x axis, one zoom; all of it in the address.
import type { RunDetail } from '../../api/kinds.ts';
import { Chart } from '../../chart/chart.tsx';
import { useCurves } from '../../chart/curves.ts';
import { panels, subject, unitOf } from '../../chart/names.ts';
import type { Looks } from '../../chart/plot.ts';
import type { Line } from '../../chart/points.ts';
import { adjust, recall, useQuery } from '../../parts/place.ts';
import { Empty, Shown } from '../../parts/states.tsx';

const KEY_HEIGHT = 260;

export function Curves({ run, names, first, none }: { run: RunDetail; names: string[]; first: string | null; none: string }) {
  const { looks, controls } = useLooks(run);
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
  const { looks } = useLooks(run);
  const { lines, answer } = useCurves(run.id, [name], { time: looks.time, low: looks.low, high: looks.high });
  return <Shown of={answer} what="The curve" lines={4}>{() => <Panel title={subject(name)} lines={lines ?? []} looks={looks} height={160} />}</Shown>;
}

/** A figure that was reported without a position is drawn over time, whatever the others are drawn over. */
function Panel({ title, lines, looks, height }: { title: string; lines: Line[]; looks: Looks; height: number }) {
  const time = lines.some((line) => line.time);
  return <Chart title={title} lines={lines} looks={{ ...looks, time, xTitle: time ? 'time' : looks.xTitle, yTitle: unitOf(lines[0]?.name ?? '') || title }} zoom={zoom} height={height} />;
}

const zoom = (low: number | null, high: number | null) => adjust({ low: low === null ? '' : String(low), high: high === null ? '' : String(high) });

/** A number of the address, or null: whoever wrote the address may have written anything. */
const finite = (text: string): number | null => (text !== '' && Number.isFinite(Number(text)) ? Number(text) : null);

function useLooks(run: RunDetail): { looks: Looks; controls: preact.JSX.Element } {
  const [smoothing, setSmoothing] = useQuery('smooth', recall('aimass.smooth') ?? '0');
  const [x, setX] = useQuery('x', 'at');
  const [log, setLog] = useQuery('log');
  const [envelope, setEnvelope] = useQuery('envelope', 'on');
  const [low] = useQuery('low');
  const [high] = useQuery('high');
  const time = x === 'time';
  const weight = Math.min(0.99, Math.max(0, finite(smoothing) ?? 0));
  const span = { low: finite(low), high: finite(high) };
  const looks = { smoothing: weight, log: log === 'y', envelope: envelope === 'on', time, xTitle: time ? 'time' : run.step.endsWith('train') ? 'epoch' : 'position', yTitle: '', ...(span.low !== null && span.high !== null && span.low < span.high ? span : { low: null, high: null }) };
  const controls = (
    <div class="bar looks" role="group" aria-label="How curves are drawn">
      <label class="range">Smoothing <input type="range" min="0" max="0.99" step="0.01" value={weight} onInput={(event) => setSmoothing(event.currentTarget.value)} /><output class="figure">{weight.toFixed(2)}</output></label>
      <label>x <select value={x} onChange={(event) => { zoom(null, null); setX(event.currentTarget.value); }}><option value="at">{run.step.endsWith('train') ? 'epoch' : 'position'}</option><option value="time">time</option></select></label>
      <label class="check"><input type="checkbox" checked={log === 'y'} onChange={(event) => setLog(event.currentTarget.checked ? 'y' : '')} /> Log scale</label>
      <label class="check"><input type="checkbox" checked={envelope === 'on'} onChange={(event) => setEnvelope(event.currentTarget.checked ? 'on' : 'off')} /> Least and greatest</label>
      <span class="muted small hint">Drag to zoom, double-click to see all</span>
    </div>
  );
  return { looks, controls };
}
