// One source: where it is, each fetch of it, what it gave last.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import type { SourceDetail } from '../api/kinds.ts';
import { Figure } from '../parts/figure.tsx';
import { flat } from '../parts/flat.ts';
import { change, number, short } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Ago, Span } from '../parts/times.tsx';
import { copyLink } from '../shell/keys.ts';
import { Rows } from './dataset/rows.tsx';
import { termsOf } from './sources.tsx';

export default function SourcePage({ name }: { name: string }) {
  const answer = useAnswer('GET /sources/{name}', { path: { name }, query: { limit: 200 } });
  useEffect(() => void (document.title = `${name.slice(0, 80)} · AI Mass`), [name]);
  return <div class="page">{!answer.value && <h1 class="unseen">{name}</h1>}<Shown of={answer} what="This source" lines={10}>{(source) => <Detail source={source} />}</Shown></div>;
}

function Detail({ source }: { source: SourceDetail }) {
  const [tab, choose] = useQuery('tab', 'fetches');
  const tabs = [{ key: 'fetches', title: 'Fetches', count: source.fetches }, { key: 'sample', title: 'Sample' }, { key: 'settings', title: 'Settings' }];
  return (
    <>
      <Head source={source} />
      {source.error && <section class="wrong" aria-label="Why the last fetch failed"><span class="bad" aria-hidden="true">✕</span><p>{sentence(String(source.error['error'] ?? 'it did not say why'))}{Boolean(source.error['to_do']) && <><br /><span class="muted">To do: {sentence(String(source.error['to_do']))}</span></>}</p></section>}
      <Tabs label="Parts of the source" tabs={tabs} at={tab} choose={choose}>
        {tab === 'fetches' && <Fetches of={source} />}
        {tab === 'sample' && (source.dataset ? <Rows digest={source.dataset} /> : <Empty title="Nothing was read yet">No fetch of it went well.</Empty>)}
        {tab === 'settings' && <Settings of={source} />}
      </Tabs>
    </>
  );
}

function Head({ source }: { source: SourceDetail }) {
  return (
    <header class="object">
      <p class="crumbs"><a href="#/sources">Sources</a> <span aria-hidden="true">/</span> {source.collector}</p>
      <div class="title"><h1>{source.name}</h1><State of={source.state} /><span class="space" /><button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button></div>
      <dl class="facts" aria-label="Facts">
        <div class="key"><dt>Rows</dt><dd><Figure value={source.rows} /></dd></div>
        <div><dt>Unreadable</dt><dd><Figure value={source.malformed} /></dd></div>
        <div><dt>Fetched</dt><dd><Ago at={source.fetched} /></dd></div>
        <div><dt>Tried</dt><dd><Ago at={source.tried} /></dd></div>
        <div><dt>Where</dt><dd><code>{source.where || '–'}</code></dd></div>
        {termsOf(source) && <div><dt>Terms</dt><dd>{termsOf(source)}</dd></div>}
      </dl>
      <nav class="lineage" aria-label="Lineage">
        <span class="here" aria-current="true">{source.name}</span>
        {source.dataset && <><span class="arrow" aria-hidden="true">→</span><a class="near" href={`#/datasets/${source.dataset}`} title={source.dataset}><span class="muted">dataset</span> {source.version === null ? short(source.dataset) : `version ${source.version}`}</a></>}
      </nav>
    </header>
  );
}

function Fetches({ of: source }: { of: SourceDetail }) {
  return (
    <>
      <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">State</th><th scope="col">Run</th><th scope="col">Began</th><th scope="col" class="right">Took</th><th scope="col" class="right">Rows</th><th scope="col" class="right">Change</th><th scope="col" class="right">Unreadable</th><th scope="col">Dataset</th><th scope="col">Host</th></tr></thead>
        <tbody>{source.history.map((fetch) => (
          <tr key={fetch.id}>
            <td><State of={fetch.state} /></td>
            <th scope="row"><a href={`#/runs/${fetch.id}`}>run {fetch.id}</a>{fetch.error && <><br /><span class="bad small">{String(fetch.error['error'] ?? '')}</span></>}</th>
            <td><Ago at={fetch.started} /></td><td class="right"><Span from={fetch.started} to={fetch.ended} took={fetch.seconds} /></td>
            <td class="right"><Figure value={fetch.rows} /></td><td class="right figure">{fetch.change === 0 ? 'nothing new' : change(fetch.change, 0)}</td><td class="right"><Figure value={fetch.malformed} /></td>
            <td>{fetch.output ? <a href={`#/datasets/${fetch.output}`} title={fetch.output}>{fetch.version === null ? short(fetch.output) : `version ${fetch.version}`}</a> : <span class="muted">–</span>}</td>
            <td>{fetch.host}</td>
          </tr>
        ))}</tbody></table></div>
      {source.next !== null && <p class="muted small">The newest {number(source.history.length)} of {number(source.fetches)} fetches. Older ones are among the <a href="#/runs?step=collect">runs of collect</a>.</p>}
    </>
  );
}

function Settings({ of: source }: { of: SourceDetail }) {
  const rows = flat({ use: source.collector, ...source.settings });
  return (
    <table class="plain pairs"><thead><tr><th scope="col">Setting</th><th scope="col">Value</th></tr></thead>
      <tbody>{rows.map(([name, value]) => <tr key={name}><th scope="row"><code>{name}</code></th><td><code>{value}</code></td></tr>)}</tbody>
    </table>
  );
}
