// One endpoint, live: who answers and how well, its versions, what happened; publish, share, promote, roll back.
import { useEffect } from 'preact/hooks';
import { me } from '../api/client.ts';
import { useNews } from '../api/news.ts';
import { useCell } from '../parts/cell.ts';
import { Figure } from '../parts/figure.tsx';
import { number } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { copyLink } from '../shell/keys.ts';
import { ActDialog, DEEDS, type Deed } from './endpoints/act.tsx';
import { Events } from './endpoints/events.tsx';
import { Errors, Ms } from './endpoints/figures.tsx';
import { Split, tokenOf } from './endpoints/split.tsx';
import { Traffic } from './endpoints/traffic.tsx';
import { backTo, share, type WholeEndpoint } from './endpoints/words.ts';

export default function EndpointPage({ name }: { name: string }) {
  const endpoint = useNews('endpoints', 'GET /endpoints/{name}', { path: { name } });
  useEffect(() => void (document.title = `${name} · Endpoints · AI Mass`), [name]);
  return <div class="page endpoint">{!endpoint.value && <h1 class="unseen">{name}</h1>}<Shown of={endpoint} what={`The endpoint ${name}`} lines={10}>{(found) => <Detail of={found} again={endpoint.again} />}</Shown></div>;
}

function Detail({ of: found, again }: { of: WholeEndpoint; again: () => void }) {
  const may = allows(useCell(me), 'endpoints.change');
  const [asked, ask] = useQuery('act');
  const [to, choose] = useQuery('to');
  const deed = DEEDS.find((one) => one === asked && possible(one, found));
  const open = (deed: Deed, version = '') => { choose(version); ask(deed); };
  return (
    <>
      <Head of={found} may={may} open={open} />
      {found.now.answers > 0 && (found.now.error_share ?? 0) > 0.05 && <p class="wrong" role="alert"><State of="bad" /><span><b>{share(found.now.error_share ?? 0)} of the answers are errors.</b> The version that answers may be at fault.</span></p>}
      <Versions of={found} may={may} open={open} />
      <Traffic name={found.name}><Events of={found} /></Traffic>
      {may && deed && <ActDialog key={`${deed} ${to}`} deed={deed} of={found} version={to} close={() => { ask(''); choose(''); }} again={again} />}
    </>
  );
}

function possible(deed: Deed, found: WholeEndpoint): boolean {
  if (deed === 'rollback') return backTo(found) !== null;
  if (deed === 'share' || deed === 'promote') return Boolean(found.canary);
  return deed === 'unshadow' ? Boolean(found.shadow) : found.versions.length > 0;
}

function Head({ of: found, may, open }: { of: WholeEndpoint; may: boolean; open: (deed: Deed, version?: string) => void }) {
  const back = backTo(found);
  const why = may ? '' : 'Needs the permission endpoints.change';
  const up = found.state !== 'off' || Boolean(found.stable);
  return (
    <header class="object">
      <p class="crumbs"><a href="#/endpoints">Endpoints</a> <span aria-hidden="true">/</span> {found.name}</p>
      <div class="title">
        <h1>{found.name}</h1><State of={found.state} />{found.why && found.state !== 'sharing' && <span class="muted small">{found.why}</span>}
        <span class="space" />
        <button type="button" class="quiet" title="Copy link" aria-label="Copy link" onClick={copyLink}><Icon name="link" /></button>
        <a class="button" href={`#/playground/${encodeURIComponent(found.name)}`}><Icon name="playground" /> Try it</a>
        {found.canary && <button type="button" disabled={!may} title={why} onClick={() => open('share')}>Change share</button>}
        {found.canary && <button type="button" disabled={!may} title={why} onClick={() => open('promote')}>Promote v{found.canary}</button>}
        {back && <button type="button" disabled={!may} title={why} onClick={() => open('rollback')}>Roll back to v{back}</button>}
        <button type="button" class="primary" disabled={!may || !up} title={why} onClick={() => open('publish')}>Publish version</button>
      </div>
      <dl class="facts" aria-label="The last five minutes">
        <div class="answers"><dt>Who answers</dt><dd><Split shares={found.shares} stable={found.stable} wide /></dd></div>
        <div class="key"><dt>Answers a second</dt><dd>{number(found.now.per_second, 3)}</dd></div>
        <div><dt>p50</dt><dd><Ms value={found.now.p50_ms} unit="ms" /></dd></div>
        <div><dt>p95</dt><dd><Ms value={found.now.p95_ms} unit="ms" /></dd></div>
        <div><dt>p99</dt><dd><Ms value={found.now.p99_ms} unit="ms" /></dd></div>
        <div><dt>Errors</dt><dd><Errors of={found.now} /></dd></div>
        <div><dt>Rows</dt><dd><Figure value={found.now.rows} /></dd></div>
        {found.sticky && <div><dt>Same caller, same version by</dt><dd><code>{found.sticky}</code></dd></div>}
      </dl>
      <nav class="lineage" aria-label="Lineage">
        {found.versions.filter((one) => one.share).map((one) => <a key={one.version} class="near" href={`#/models/${encodeURIComponent(found.name)}/${one.version}`} title={one.digest}><span class="muted">release</span> {found.name}@{one.version}</a>)}
        <span class="arrow" aria-hidden="true">→</span><span class="here" aria-current="true">{found.name}</span>
      </nav>
    </header>
  );
}

function Versions({ of: found, may, open }: { of: WholeEndpoint; may: boolean; open: (deed: Deed, version?: string) => void }) {
  return (
    <section aria-labelledby="versions" class="versions">
      <h2 id="versions">Versions</h2>
      <div class="scroll"><table class="plain boxed">
        <thead><tr><th scope="col">Version</th><th scope="col">State</th><th scope="col" class="right">Requests</th><th scope="col" class="right">Answers</th><th scope="col" class="right">p50, ms</th><th scope="col" class="right">p95, ms</th><th scope="col" class="right">p99, ms</th><th scope="col" class="right">Errors</th><th scope="col">Published</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
        <tbody>{found.versions.map((one) => (
          <tr key={one.version}>
            <th scope="row"><i class={`key ${tokenOf(one.version)}`} aria-hidden="true" /> <a class="name" href={`#/models/${encodeURIComponent(found.name)}/${one.version}`}><b>v{one.version}</b></a> {one.champion && <span class="badge">champion</span>}{one.label && <span class="badge">{one.label}</span>}{found.shadow === one.version && <span class="badge">shadow</span>}</th>
            <td><State of={one.state} />{one.reason && <><br /><span class="muted small">{one.reason}</span></>}</td>
            <td class="right figure">{one.share === null ? <span class="muted">–</span> : share(one.share)}</td>
            <td class="right"><Figure value={one.now.answers} /></td>
            <td class="right"><Ms value={one.now.p50_ms} /></td><td class="right"><Ms value={one.now.p95_ms} /></td><td class="right"><Ms value={one.now.p99_ms} /></td>
            <td class="right"><Errors of={one.now} /></td>
            <td><Ago at={one.created} /></td>
            <td class="right deeds">
              {one.state === 'ready' && <a class="button quiet" href={`#/playground/${encodeURIComponent(found.name)}?version=${one.version}`}><Icon name="playground" /> Try</a>}
              {may && found.shadow === one.version && <button type="button" onClick={() => open('unshadow')}>End shadow</button>}
              {may && !one.share && <button type="button" onClick={() => open('publish', one.version)}>Publish</button>}
            </td>
          </tr>
        ))}</tbody></table></div>
      {found.compared && <Compared of={found.compared as Record<string, number>} shadow={found.shadow} />}
    </section>
  );
}

/** What the shadow's answers differ by. */
function Compared({ of: said, shadow }: { of: Record<string, number>; shadow: string }) {
  const { rows_compared: rows = 0, rows_that_differ: differ = 0, rows_failed: failed = 0 } = said;
  return <p class="muted compared">The shadow v{shadow}: <b class="figure">{rows ? share(differ / rows) : '–'}</b> of <Figure value={rows} /> rows are answered in another way, <Figure value={failed} /> failed.</p>;
}
