// Traffic, time and errors over the last minutes, going on by themselves.
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { Chart } from '../../chart/chart.tsx';
import type { Line, Point } from '../../chart/points.ts';
import type { Looks } from '../../chart/plot.ts';
import { useEvery } from '../../parts/every.ts';
import { adjust, useKept, useQuery } from '../../parts/place.ts';
import { Empty, Shown } from '../../parts/states.tsx';
import { colourOf } from './split.tsx';

const SPANS: Array<[string, string]> = [['300', '5 minutes'], ['900', '15 minutes'], ['3600', 'an hour']];
const POINTS = 180;
type Series = Record<string, Array<Array<number | null>>>;

/** What happened stands beside the charts, as their CHILDREN. */
export function Traffic({ name, children }: { name: string; children: ComponentChildren }) {
  const [span, choose] = useKept('endpoint', 'span', '900');
  const seconds = SPANS.some(([key]) => key === span) ? Number(span) : 900;
  const answer = useAnswer('GET /endpoints/{name}/series', { path: { name }, query: { seconds, points: POINTS } });
  useEvery(Math.max(5000, (1000 * seconds) / POINTS), answer.again);
  return (
    <section class="traffic" aria-labelledby="traffic">
      <div class="bar"><h2 id="traffic">Traffic</h2><span class="space" />
        <label>The last <select value={span} onChange={(event) => { zoom(null, null); choose(event.currentTarget.value); }}>{SPANS.map(([key, word]) => <option key={key} value={key}>{word}</option>)}</select></label></div>
      <Shown of={answer} what="The figures" lines={6}>{({ series }) => ((series['']?.length ?? 0) > 1 ? <Charts series={series}>{children}</Charts> : (
        <>
          <Empty title="Nothing was seen yet">The console looks every five seconds since it was started; figures stand here from the second look on.</Empty>
          {children}
        </>
      ))}</Shown>
    </section>
  );
}

function Charts({ series, children }: { series: Series; children: ComponentChildren }) {
  const [low] = useQuery('low');
  const [high] = useQuery('high');
  const lines = useMemo(() => {
    const all = series['']!;
    const versions = Object.keys(series).filter((version) => version).sort((a, b) => Number(a) - Number(b));
    return {
      rate: versions.length ? versions.map((version) => lineOf(`v${version}`, series[version]!, 1)) : [lineOf('all', all, 1)],
      time: [lineOf('p50', all, 2), lineOf('p95', all, 3), lineOf('p99', all, 4)],
      errors: (versions.length ? versions : ['']).map((version) => lineOf(version ? `v${version}` : 'all', series[version]!, 5, 100)),
    };
  }, [series]);
  const span = low && high && Number(low) < Number(high) ? { low: Number(low), high: Number(high) } : { low: null, high: null };
  const looks: Looks = { smoothing: 0, log: false, envelope: false, time: true, xTitle: 'time', yTitle: '', ...span };
  return (
    <div class="charts">
      <Chart title="Answers a second" lines={lines.rate} looks={{ ...looks, yTitle: 'answers/s' }} zoom={zoom} height={180} />
      <Chart title="Time to answer" lines={lines.time} looks={{ ...looks, yTitle: 'ms' }} zoom={zoom} height={180} />
      <Chart title="Errors" lines={lines.errors} looks={{ ...looks, yTitle: '% of answers' }} zoom={zoom} height={180} />
      {children}
    </div>
  );
}

const zoom = (low: number | null, high: number | null) => adjust({ low: low === null ? '' : String(low), high: high === null ? '' : String(high) });

/** Column AT of POINTS as a line; a moment without an answer has none. */
function lineOf(name: string, points: Array<Array<number | null>>, at: number, times = 1): Line {
  const found = points.filter((point) => point[at] !== null).map((point): Point => [point[0]!, point[at]! * times, point[at]! * times, point[at]! * times]);
  return { name, points: found, count: found.length, time: true, ...(name.startsWith('v') && { colour: colourOf(name.slice(1)) }) };
}
