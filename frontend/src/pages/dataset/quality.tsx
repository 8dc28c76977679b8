// The quality report: what became of the rows that were read, why some were put aside, what the profile finds odd.
import { useAnswer } from '../../api/answer.ts';
import type { DatasetDetail, Profile } from '../../api/kinds.ts';
import { Share } from '../../chart/bars.tsx';
import { number, percent, plural } from '../../parts/format.ts';
import { adjust } from '../../parts/place.ts';
import { Empty, sentence, Shown } from '../../parts/states.tsx';
import { looked } from './words.ts';

export function QualityTab({ dataset }: { dataset: DatasetDetail }) {
  const profile = useAnswer('GET /datasets/{digest}/profile', { path: { digest: dataset.digest } });
  return (
    <div class="columns">
      <section aria-labelledby="became"><h2 id="became">What became of the rows</h2><Became dataset={dataset} /></section>
      <section aria-labelledby="odd"><h2 id="odd">What is worth a look</h2><Shown of={profile} what="The profile" lines={4}>{(profile) => <Findings of={profile} />}</Shown></section>
    </div>
  );
}

function Became({ dataset }: { dataset: DatasetDetail }) {
  const { sources, quality, rows } = dataset;
  if (!sources.length) {
    if (!quality.bad) return <p class="calm"><span class="good" aria-hidden="true">✓</span> {rows === null ? 'Nobody counted them.' : `All ${plural(rows, 'row')} could be read.`}</p>;
    return <p class="calm"><button type="button" class="link" onClick={() => adjust({ tab: 'quarantine' })}>{plural(quality.bad, 'row')}</button> of {number(rows)} could not be read. They are kept as they came; cleaning puts them in quarantine.</p>;
  }
  return <>{sources.map((source) => <Of key={source.name} source={source} />)}</>;
}

type Source = DatasetDetail['sources'][number];

function Of({ source }: { source: Source }) {
  const reasons = Object.entries(source.reasons).sort((a, b) => b[1] - a[1]);
  const aside = source.read - source.accepted;
  return (
    <section class="became" aria-label={`Source ${source.name}`}>
      <p><b>{source.name}</b>: {number(source.read)} read, {number(source.accepted)} accepted, {aside ? <span class="bad">{number(aside)} in quarantine</span> : 'none in quarantine'}</p>
      <svg class="split" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={`${percent(source.read ? source.accepted / source.read : 0)} of the rows were accepted`}>
        <rect class="kept" width="100" height="8" />{aside > 0 && <rect class="aside" x={100 - Math.max(0.6, (aside / source.read) * 100)} width={Math.max(0.6, (aside / source.read) * 100)} height="8" />}
      </svg>
      {reasons.length > 0 && (
        <table class="plain"><thead><tr><th scope="col">Reason</th><th scope="col" class="right">Rows</th><th scope="col">Of all</th></tr></thead>
          <tbody>{reasons.map(([reason, count]) => (
            <tr key={reason}><th scope="row"><button type="button" class="link" onClick={() => adjust({ tab: 'quarantine', reason, source: source.name })}>{reason}</button></th><td class="right figure">{number(count)}</td><td><Share of={count / source.read} tone="bad" /></td></tr>
          ))}</tbody></table>
      )}
    </section>
  );
}

function Findings({ of: profile }: { of: Profile }) {
  if (!profile.findings.length) return <Empty title="Nothing odd">{looked(profile)}</Empty>;
  return (
    <>
      <table class="plain"><thead><tr><th scope="col">Column</th><th scope="col">What</th></tr></thead>
        <tbody>{profile.findings.map(({ column, what, serious }) => (
          <tr key={`${column} ${what}`}>
            <th scope="row">{column === null ? <span class="muted">rows</span> : <button type="button" class="link" onClick={() => adjust({ tab: '', column })}>{column}</button>}</th>
            <td><span class={serious ? 'warning' : ''}>{serious && <span aria-hidden="true">▲ </span>}{sentence(what)}</span></td>
          </tr>
        ))}</tbody></table>
      <p class="muted small">{looked(profile)}</p>
    </>
  );
}
