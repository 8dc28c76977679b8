// What the run's processes and their machine did, and how quick the run was, all of it over time.
import type { RunDetail } from '../../api/kinds.ts';
import { Chart } from '../../chart/chart.tsx';
import { useCurves } from '../../chart/curves.ts';
import { useLooks, zoomTime } from '../../chart/looks.tsx';
import { panels, unitOf, type machineCharts } from '../../chart/names.ts';
import type { Line } from '../../chart/points.ts';
import { Empty, Shown } from '../../parts/states.tsx';

interface Props {
  run: RunDetail;
  charts: ReturnType<typeof machineCharts>;
  speed: string[];
}

export function Machine({ run, charts, speed }: Props) {
  const { looks, controls } = useLooks(null);
  const names = [...charts.flatMap(({ lines }) => [...lines.keys()]), ...speed];
  const { lines, answer } = useCurves(run.id, names, { time: true, low: looks.low, high: looks.high });
  if (!names.length) return <Nothing run={run} />;
  const of = (name: string, words = name): Line[] => (lines ?? []).filter((line) => line.name === name).map((line) => ({ ...line, name: words }));
  const groups = [
    ...charts.map(({ title, unit, lines }) => ({ title, unit, lines: [...lines].flatMap(([name, words]) => of(name, words)) })),
    ...panels(speed).map(({ title, names }) => ({ title, unit: unitOf(names[0] ?? '') || title, lines: names.flatMap((name) => of(name)) })),
  ];
  return (
    <>
      {controls}
      <Shown of={answer} what="What the machine did" lines={8}>{() => (
        <div class="charts">{groups.map(({ title, unit, lines }) => <Chart key={title} title={title} lines={lines} looks={{ ...looks, yTitle: unit }} zoom={zoomTime} />)}</div>
      )}</Shown>
    </>
  );
}

function Nothing({ run }: { run: RunDetail }) {
  return run.ended ? <Empty title="Nobody looked at the machine">{run.state === 'reused' ? 'This run took what another had made.' : 'It is looked at every two seconds; runs of a moment are over before.'}</Empty>
    : <Empty title="No look at the machine yet">The first comes some two seconds after the run began.</Empty>;
}
