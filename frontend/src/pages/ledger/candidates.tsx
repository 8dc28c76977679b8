// Every candidate of a ledger: accuracy against size or latency, then the table with the reason for each.
import type { Calls } from '../../api/schema.ts';
import { Scatter, type Mark } from '../../chart/scatter.tsx';
import { Csv } from '../../parts/csv-button.tsx';
import { linesAsCsv } from '../../parts/csv.ts';
import { bytes, number } from '../../parts/format.ts';
import { bounds, Interval } from '../../parts/interval.tsx';
import { useQuery } from '../../parts/place.ts';
import { Empty, sentence } from '../../parts/states.tsx';
import { State } from '../../parts/state.tsx';

export type Ledger = Calls['GET /ledgers/{digest}']['answer'];
type Candidate = Ledger['candidates'][number];

const MB = 1e6;
const ACROSS: Record<string, { title: string; unit: string; budget: string; of: (one: Candidate) => number | null | undefined }> = {
  size: { title: 'size', unit: 'MB', budget: 'size_mb', of: (one) => (one.size_bytes ? one.size_bytes / MB : null) },
  p99: { title: 'p99 at the endpoint', unit: 'ms', budget: 'p99_ms', of: (one) => one.p99_ms?.value },
  p50: { title: 'p50 at the endpoint', unit: 'ms', budget: '', of: (one) => one.p50_ms?.value },
  engine: { title: "p50 of the engine's call", unit: 'ms', budget: '', of: (one) => one.engine_p50_ms?.value },
};
const FIRST = ['adopted', 'rejected', 'infeasible', 'failed', 'not tried', 'not applicable'];

export function Candidates({ of: ledger }: { of: Ledger }) {
  const [across, choose] = useQuery('across', 'size');
  const rows = [...ledger.candidates].sort((a, b) => FIRST.indexOf(a.status) - FIRST.indexOf(b.status));
  const axis = ACROSS[across] ?? ACROSS['size']!;
  const marks = marksOf(rows, ledger, axis.of, axis.unit);
  const asked = (budget: string) => ledger.goal.find((line) => line.budget === budget)?.asked ?? undefined;
  return (
    <>
      <div class="bar">
        <label>{ledger.metric} against <select value={across} onChange={(event) => choose(event.currentTarget.value)}>{Object.entries(ACROSS).map(([key, one]) => <option key={key} value={key}>{one.title}</option>)}</select></label>
        <span class="space" />
        <Csv of="Ledger" name="ledger" text={() => csvOf(rows)} />
      </div>
      {marks.length ? (
        <figure class="chart"><Scatter title="Candidates" marks={marks} xTitle={`${axis.title}, ${axis.unit}`} yTitle={ledger.metric} xLimit={asked(axis.budget)} yLimit={asked('floor')}
          better={ledger.better === 'lower' ? 'better: down and left' : 'better: up and left'} />
          <figcaption class="muted small"><span class="good">● adopted</span><span>○ measured</span>{ledger.goal.length > 0 && <span class="warning">┄ budget</span>}<span>bars are 95 % intervals</span></figcaption></figure>
      ) : <Empty title="Nothing was measured">Why not stands beside each candidate.</Empty>}
      <Rows of={rows} metric={ledger.metric} />
    </>
  );
}

export function marksOf(rows: Candidate[], ledger: Ledger, across: (one: Candidate) => number | null | undefined, unit: string): Mark[] {
  return rows.flatMap((one) => {
    const x = across(one);
    if (!one.quality || typeof x !== 'number') return [];
    const told = `${one.candidate}: ${ledger.metric} ${number(one.quality.value)} ${bounds(one.quality)}, ${number(x)} ${unit}, ${one.status}`;
    return [{ name: one.candidate, x, y: one.quality.value, low: one.quality.low, high: one.quality.high, told, tone: one.status === 'adopted' ? 'good' as const : one.status === 'infeasible' ? 'warning' as const : 'muted' as const, strong: one.status === 'adopted' }];
  });
}

function Rows({ of: rows, metric }: { of: Candidate[]; metric: string }) {
  return (
    <div class="scroll"><table class="plain boxed candidates"><thead><tr><th scope="col">Status</th><th scope="col">Candidate</th><th scope="col">{metric}</th><th scope="col" class="right">p99, ms</th><th scope="col" class="right">Size</th><th scope="col">Call, ms</th><th scope="col">Why</th></tr></thead>
      <tbody>{rows.map((one) => (
        <tr key={one.candidate} class={one.status === 'adopted' ? 'picked' : ''}>
          <td><State of={one.status} /></td>
          <th scope="row">{one.run ? <a class="name" href={`#/runs/${one.run}`}><b>{one.candidate}</b></a> : <b>{one.candidate}</b>}</th>
          <td><Interval of={one.quality} /></td><td class="right figure" title={one.p99_ms ? bounds(one.p99_ms) : ''}>{number(one.p99_ms?.value)}</td>
          <td class="right figure" title={one.size_ratio ? `${number(one.size_ratio)} of its baseline` : ''}>{bytes(one.size_bytes)}</td>
          <td class="figure">{one.engine_p50_ms ? number(one.engine_p50_ms.value) : <span class="muted">–</span>}{one.engine_ratio && <span class="muted small"> × {number(one.engine_ratio.value, 3)}</span>}</td>
          <td class="told">{sentence(one.reason)}</td>
        </tr>
      ))}</tbody></table></div>
  );
}

function csvOf(rows: Candidate[]): string {
  const head = ['candidate', 'status', 'quality', 'quality_low', 'quality_high', 'p50_ms', 'p99_ms', 'p99_low', 'p99_high', 'engine_p50_ms', 'size_bytes', 'reason', 'model'];
  const line = (one: Candidate) => [one.candidate, one.status, one.quality?.value, one.quality?.low, one.quality?.high, one.p50_ms?.value, one.p99_ms?.value, one.p99_ms?.low, one.p99_ms?.high, one.engine_p50_ms?.value, one.size_bytes, one.reason, one.model];
  return linesAsCsv([head, ...rows.map(line)]);
}
