// What the model relies on, and why it answered some rows as it did.
import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import type { Calls } from '../../api/schema.ts';
import { number } from '../../parts/format.ts';
import { bounds } from '../../parts/interval.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import type { Version } from '../model.tsx';

type Report = Calls['GET /models/{name}/{number}/explanations']['answer']['reports'][number];
type Reason = Report['rows'][number];

export function Explanations({ of: version }: { of: Version }) {
  const answer = useAnswer('GET /models/{name}/{number}/explanations', { path: { name: version.name, number: version.number } });
  return (
    <Shown of={answer} what="The explanations">{({ reports }) => (reports.length ? <Reports of={reports} /> : (
      <Empty title="Nobody asked it why yet" command={`aimass explain ${version.model.slice(0, 12)} EXAMPLES`}>The step <code>explain</code> says what the model relies on in all, and why it answered single rows as it did.</Empty>
    ))}</Shown>
  );
}

function Reports({ of: reports }: { of: Report[] }) {
  const [at, choose] = useState(0);
  const report = reports[at] ?? reports[0]!;
  return (
    <>
      {reports.length > 1 && <div class="bar chips" role="group" aria-label="Report">{reports.map((one, i) => <button key={one.digest} type="button" class="chip" aria-pressed={i === at} onClick={() => choose(i)}><Ago at={one.created} /></button>)}</div>}
      <div class="columns">
        {report.importance.length > 0 && <Whole of={report} />}
        <Rows key={report.digest} of={report.rows} />
      </div>
      <p class="muted small">By {String(report.explainer['use'])}, <Ago at={report.created} />.{report.like !== null && report.like !== undefined && ` Its reasons resemble those of its baseline: rank correlation ${number(report.like)}.`}</p>
    </>
  );
}

function Whole({ of: { importance, metric } }: { of: Report }) {
  const most = Math.max(...importance.map((one) => one.high ?? one.value), 1e-12);
  return (
    <section aria-labelledby="relies"><h2 id="relies">What it relies on</h2>
      <p class="muted">How much {String(metric['use'])} is lost when columns are mixed up between rows.</p>
      <table class="plain weights"><thead><tr><th scope="col">Columns</th><th scope="col"><span class="unseen">Drawn</span></th><th scope="col" class="right">Loss</th><th scope="col">95 % interval</th></tr></thead>
        <tbody>{importance.map((one) => (
          <tr key={one.columns.join()}><th scope="row">{one.columns.join(', ')}</th><td class="share"><i class="part" style={{ width: `${(100 * Math.max(0, one.value)) / most}%` }} /></td>
            <td class="right figure" title={String(one.value)}>{number(one.value)}</td><td class="muted small figure">{bounds(one)}</td></tr>
        ))}</tbody></table>
    </section>
  );
}

function Rows({ of: rows }: { of: Reason[] }) {
  const [at, choose] = useState(0);
  const row = rows[at];
  if (!row) return null;
  return (
    <section aria-labelledby="row"><h2 id="row">Why it answered so</h2>
      <div class="bar chips" role="group" aria-label="Row">{rows.map((one, i) => <button key={i} type="button" class="chip" aria-pressed={i === at} onClick={() => choose(i)}>Row {i + 1}{one.target && <span class="muted">{one.target}</span>}</button>)}</div>
      <p>{row.target ? <>Probability of <b>{row.target}</b>: </> : 'Answer: '}<b class="figure">{number(row.prediction)}</b>, where <span class="figure">{number(row.base_value)}</span> is its answer when everything is hidden.</p>
      <Attributions of={row} />
      {Object.entries(row.tokens ?? {}).map(([column, tokens]) => <Words key={column} column={column} of={tokens} />)}
      {(row.pictures ?? []).map((picture) => <figure key={picture} class="overlay"><img src={picture} alt={`The image of row ${at + 1} with what speaks for the answer in red, against it in blue`} /><figcaption class="muted small">Red speaks for the answer, blue against it.</figcaption></figure>)}
      {(row.warnings ?? []).map((warning) => <p key={warning} class="warning small">{warning}</p>)}
      <p class="muted small">{row.method}</p>
    </section>
  );
}

/** Bars to the right speak for the answer, to the left against it. */
function Attributions({ of: row }: { of: Reason }) {
  const shares = [...row.attributions, ...(row.others ? [{ name: 'all others', value: null, attribution: row.others, error: null }] : [])];
  const most = Math.max(...shares.map((share) => Math.abs(share.attribution)), 1e-12);
  return (
    <table class="plain weights"><thead><tr><th scope="col">Column</th><th scope="col">Value</th><th scope="col"><span class="unseen">Drawn</span></th><th scope="col" class="right">Adds</th></tr></thead>
      <tbody>{shares.map((share) => (
        <tr key={share.name}><th scope="row">{share.name}</th><td class="muted"><span class="cut" title={text(share.value)}>{text(share.value)}</span></td>
          <td class="both"><i class={`part ${share.attribution < 0 ? 'against' : ''}`} style={{ width: `${(50 * Math.abs(share.attribution)) / most}%`, [share.attribution < 0 ? 'right' : 'left']: '50%' }} /></td>
          <td class="right figure" title={share.error ? `± ${share.error}` : String(share.attribution)}>{share.attribution > 0 ? '+' : ''}{number(share.attribution, 3)}</td></tr>
      ))}</tbody></table>
  );
}

const text = (value: unknown): string => (value === null || value === undefined ? '–' : typeof value === 'number' ? number(value) : typeof value === 'string' ? value : JSON.stringify(value));

function Words({ column, of: tokens }: { column: string; of: NonNullable<Reason['tokens']>[string] }) {
  const most = Math.max(...tokens.map((token) => Math.abs(token.attribution)), 1e-12);
  return (
    <p class="words" aria-label={`Words of ${column}`}>{tokens.map((token, i) => {
      const strength = Math.round(70 * Math.abs(token.attribution) / most);
      return <span key={i} title={`${token.attribution > 0 ? '+' : ''}${number(token.attribution, 3)}`} style={{ background: `color-mix(in srgb, var(--${token.attribution < 0 ? 'series-2' : 'series-1'}) ${Math.round(strength / 2)}%, transparent)` }}>{token.text}</span>;
    })}</p>
  );
}
