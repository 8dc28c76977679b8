// What was tried: choices among candidates, also those that published nothing, and accelerations of trainings.
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { Figure } from '../parts/figure.tsx';
import { bytes, number } from '../parts/format.ts';
import { Interval } from '../parts/interval.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Ago } from '../parts/times.tsx';

type Ledger = Calls['GET /ledgers']['answer']['rows'][number];
type Advice = Calls['GET /advice']['answer']['rows'][number];

export default function LedgersPage() {
  const [tab, choose] = useQuery('tab', 'candidates');
  const tabs = [{ key: 'candidates', title: 'Candidates' }, { key: 'advice', title: 'Advice on training' }];
  return (
    <div class="page">
      <header class="head"><h1>Ledgers</h1><p class="muted">What was tried, adopted or not, and why</p></header>
      <Tabs label="Kinds of ledgers" tabs={tabs} at={tab} choose={choose}>{tab === 'advice' ? <Advised /> : <Chosen />}</Tabs>
    </div>
  );
}

function Pager({ after, next, go }: { after: string; next: string | null | undefined; go: (after: string) => void }) {
  if (!after && !next) return null;
  return <p class="row pager">{after && <button type="button" onClick={() => go('')}>Newest</button>}{next && <button type="button" onClick={() => go(next)}>Older</button>}</p>;
}

function Chosen() {
  const [after, go] = useQuery('after');
  const ledgers = useAnswer('GET /ledgers', { query: { after } });
  return (
    <Shown of={ledgers} what="The list of ledgers">{({ rows, next }) => (rows.length ? (
      <>
        <div class="scroll"><table class="plain boxed oneline"><thead><tr><th scope="col">Made</th><th scope="col">Budgets</th><th scope="col">Pick, or nearest</th><th scope="col">Quality</th><th scope="col" class="right">p99, ms</th><th scope="col" class="right">Size</th><th scope="col" class="right">Measured</th><th scope="col">Published</th></tr></thead>
          <tbody>{rows.map((row) => <Line key={row.digest} of={row} />)}</tbody></table></div>
        <Pager after={after} next={next} go={go} />
      </>
    ) : <Empty title="Nothing was chosen yet" command="aimass run aimass.toml">Each search leaves a ledger: every candidate with its figures, adopted or not, and why.</Empty>)}</Shown>
  );
}

function Line({ of: row }: { of: Ledger }) {
  return (
    <tr>
      <td><a class="name" href={`#/ledgers/${row.digest}`}><Ago at={row.created} /></a></td>
      <td><State of={row.met ? 'met' : 'missed'} /></td>
      <th scope="row"><a class="name" href={`#/ledgers/${row.digest}`}><b>{row.best?.candidate ?? 'none'}</b></a></th>
      <td><Interval of={row.best?.quality} /> <span class="muted small">{row.metric}</span></td><td class="right"><Figure value={row.best?.p99_ms?.value} /></td><td class="right figure">{bytes(row.best?.size_bytes)}</td>
      <td class="right figure" title={`${row.measured} of ${row.tried} were measured`}>{number(row.measured)}<span class="muted"> of {number(row.tried)}</span></td>
      <td>{row.versions.length ? row.versions.map((one) => <a key={`${one.name}@${one.number}`} class="tag" href={`#/models/${encodeURIComponent(one.name)}/${one.number}`}>{one.name}@{one.number}</a>) : <span class="muted">nothing</span>}</td>
    </tr>
  );
}

function Advised() {
  const [after, go] = useQuery('after');
  const advice = useAnswer('GET /advice', { query: { after } });
  return (
    <Shown of={advice} what="The list of advice">{({ rows, next }) => (rows.length ? (
      <>
        <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">Made</th><th scope="col">Verdict</th><th scope="col">Training of</th><th scope="col">Changes</th><th scope="col" class="right">Faster</th><th scope="col" class="right">Tried</th><th scope="col" class="right">Took, s</th><th scope="col">Why</th></tr></thead>
          <tbody>{rows.map((row) => <Told key={row.model} of={row} />)}</tbody></table></div>
        <Pager after={after} next={next} go={go} />
      </>
    ) : <Empty title="No training was advised yet" command="aimass advise aimass.toml">Networks that train for a while are measured first: which accelerations pay for them, on this machine. <code>aimass run</code> asks by itself.</Empty>)}</Shown>
  );
}

function Told({ of: row }: { of: Advice }) {
  const changes = Object.entries(row.changes).map(([name, value]) => `${name} ${String(value)}`).join(', ');
  return (
    <tr>
      <td><a class="name" href={`#/advice/${row.model}`}><Ago at={row.created} /></a></td><td><State of={row.verdict} /></td>
      <th scope="row"><a class="name" href={`#/advice/${row.model}`}><b>{row.label || row.model.slice(0, 12)}</b></a>{row.run && <> <a class="small" href={`#/runs/${row.run}`}>run {row.run}</a></>}</th>
      <td>{changes || <span class="muted">none</span>}</td><td class="right">{row.ratio ? <>× <Figure value={row.ratio.value} /></> : <span class="muted">–</span>}</td>
      <td class="right figure">{number(row.tried)}</td><td class="right"><Figure value={row.seconds} /></td><td class="told">{row.reason && sentence(row.reason)}</td>
    </tr>
  );
}
