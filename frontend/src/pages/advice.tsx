// What the advisor tried for one training, what each was worth, and why others were not taken.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { Figure } from '../parts/figure.tsx';
import { flat } from '../parts/flat.ts';
import { number, seconds } from '../parts/format.ts';
import { Interval } from '../parts/interval.tsx';
import { Strip, useLineage } from '../parts/lineage.tsx';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';

type Advice = Calls['GET /advice/{digest}']['answer'];
type Row = Advice['rows'][number];

const FIRST = ['adopted', 'proposed', 'refused', 'not reached', 'skipped'];

export default function AdvicePage({ digest }: { digest: string }) {
  const advice = useAnswer('GET /advice/{digest}', { path: { digest } });
  const short = digest.slice(0, 12);
  useEffect(() => void (document.title = `Advice ${short} · AI Mass`), [digest]);
  return <div class="page">{!advice.value && <h1 class="unseen">Advice {short}</h1>}<Shown of={advice} what={`The advice on ${short}`} lines={10}>{(advice) => <Whole of={advice} />}</Shown></div>;
}

function Whole({ of: advice }: { of: Advice }) {
  const lineage = useLineage(advice.model);
  const rows = [...advice.rows].sort((a, b) => FIRST.indexOf(a.decision) - FIRST.indexOf(b.decision));
  const changes = Object.entries(advice.changes).map(([name, value]) => `${name} ${String(value)}`).join(', ');
  return (
    <>
      <header class="object">
        <p class="crumbs"><a href="#/ledgers?tab=advice">Advice</a> <span aria-hidden="true">/</span> <code>{advice.model.slice(0, 12)}</code></p>
        <div class="title"><h1>{advice.label || 'Training'} <span class="muted">{changes || 'as it was'}</span></h1><State of={advice.verdict} /><span class="space" />
          <Csv of="Advice" name="advice" text={() => csvOf(rows)} /></div>
        <dl class="facts" aria-label="In short">
          <div><dt>Made</dt><dd><Ago at={advice.created} /></dd></div>
          {advice.run && <div><dt>Run</dt><dd><a href={`#/runs/${advice.run}`}>run {advice.run}</a></dd></div>}
          {advice.ratio && <div class="key"><dt>Faster than before</dt><dd>× <Interval of={advice.ratio} /></dd></div>}
          {advice.floor && <div><dt>Noise: it against itself</dt><dd>× <Interval of={advice.floor} /></dd></div>}
          {advice.step > 0 && <div><dt>Step</dt><dd>{seconds(advice.step)}</dd></div>}
          <div><dt>Took</dt><dd>{seconds(advice.seconds)} <span class="muted">of {seconds(advice.budget)}</span></dd></div>
          {advice.reused && <div><dt>Known before</dt><dd>confirmed now</dd></div>}
        </dl>
        {lineage.value && <Strip of={lineage.value} />}
      </header>
      {advice.reason && rows.length > 0 && <p class="lead">{sentence(advice.reason)}</p>}
      {rows.length ? <Tried of={rows} /> : <Empty title="Nothing could be tried">{sentence(advice.reason || 'no candidate applies')}</Empty>}
      <div class="columns after">
        {Object.keys(advice.shares).length > 0 && <Shares of={advice.shares} />}
        <section aria-labelledby="plan"><h2 id="plan">The plan</h2>
          <div class="scroll tall" tabIndex={0} role="group" aria-label="The plan"><table class="plain pairs"><thead><tr><th scope="col">Field</th><th scope="col">Value</th></tr></thead>
            <tbody>{flat(advice.plan).map(([name, value]) => <tr key={name}><th scope="row"><code>{name}</code></th><td><code>{value}</code></td></tr>)}</tbody></table></div></section>
      </div>
    </>
  );
}

function Tried({ of: rows }: { of: Row[] }) {
  return (
    <div class="scroll"><table class="plain boxed candidates"><thead><tr><th scope="col">Decision</th><th scope="col">Candidate</th><th scope="col" class="right">Share of a step</th><th scope="col">Faster</th><th scope="col">Numerics</th><th scope="col" class="right">Memory</th><th scope="col" class="right">Pays after</th><th scope="col">Why</th></tr></thead>
      <tbody>{rows.map((row) => (
        <tr key={row.candidate} class={row.decision === 'adopted' ? 'picked' : ''}>
          <td><State of={row.decision === 'refused' ? 'rejected' : row.decision} /></td><th scope="row"><b>{row.candidate}</b></th><td class="right figure">{row.share ? `${number(100 * row.share, 3)} %` : '–'}</td>
          <td class="nowrap">{row.ratio ? <>× <Interval of={row.ratio} /></> : <span class="muted">–</span>}</td><td>{row.numerics || <span class="muted">–</span>}</td>
          <td class="right figure">{row.memory === null || row.memory === undefined ? '–' : `${number(100 * row.memory, 3)} %`}</td>
          <td class="right figure">{row.break_even === null ? 'never' : row.break_even ? `${number(row.break_even)} steps` : '–'}</td><td class="told">{row.reason && sentence(row.reason)}</td>
        </tr>
      ))}</tbody></table></div>
  );
}

function Shares({ of: shares }: { of: Record<string, number> }) {
  const rows = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return (
    <section aria-labelledby="shares"><h2 id="shares">Where a step spends its time</h2>
      <table class="plain weights"><thead><tr><th scope="col">Part</th><th scope="col"><span class="unseen">Drawn</span></th><th scope="col" class="right">Share</th></tr></thead>
        <tbody>{rows.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td class="share"><i class="part" style={{ width: `${Math.min(100, 100 * value)}%` }} /></td><td class="right"><Figure value={100 * value} unit="%" /></td></tr>)}</tbody></table></section>
  );
}

function csvOf(rows: Row[]): string {
  const head = ['candidate', 'decision', 'share', 'ratio', 'ratio_low', 'ratio_high', 'numerics', 'memory', 'break_even', 'reason'];
  const line = (row: Row) => [row.candidate, row.decision, row.share, row.ratio?.value, row.ratio?.low, row.ratio?.high, row.numerics, row.memory, row.break_even, row.reason];
  return linesAsCsv([head, ...rows.map(line)]);
}
