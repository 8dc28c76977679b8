// What is served under each name: traffic, percentiles, errors, who answers; the way back is here, too.
import { useState } from 'preact/hooks';
import { me } from '../api/client.ts';
import { useNews } from '../api/news.ts';
import { Spark } from '../chart/spark.tsx';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { useCell } from '../parts/cell.ts';
import { number, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { allows } from '../parts/rights.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { ActDialog, type Deed } from './endpoints/act.tsx';
import { Errors, Ms } from './endpoints/figures.tsx';
import { Split } from './endpoints/split.tsx';
import { backTo, newest, split, type Endpoint } from './endpoints/words.ts';

export default function EndpointsPage() {
  const endpoints = useNews('endpoints', 'GET /endpoints');
  const may = allows(useCell(me), 'endpoints.change');
  const [asked, ask] = useState<{ deed: Deed; name: string } | null>(null);
  const rows = endpoints.value?.rows ?? [];
  const chosen = asked && rows.find((row) => row.name === asked.name);
  return (
    <div class="page endpoints">
      <header class="head"><h1>Endpoints</h1><p class="muted" role="status">{endpoints.value ? `${plural(rows.length, 'name')}, figures of the last 5 minutes` : ''}</p><span class="space" />
        <Csv of="Endpoints" name="endpoints" off={!rows.length} text={() => csvOf(rows)} /></header>
      <Shown of={endpoints} what="The list of endpoints">{() => (rows.length ? (
        <div class="scroll"><table class="plain boxed">
          <thead><tr><th scope="col">State</th><th scope="col">Name</th><th scope="col">Who answers</th><th scope="col" class="right">Answers/s</th><th scope="col">Last hour</th><th scope="col" class="right">p50, ms</th><th scope="col" class="right">p95, ms</th><th scope="col" class="right">p99, ms</th><th scope="col" class="right">Errors</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
          <tbody>{rows.map((row) => <Row key={row.name} of={row} may={may} ask={(deed) => ask({ deed, name: row.name })} />)}</tbody></table></div>
      ) : <Empty title="Nothing is published yet" command="aimass run aimass.toml">A model that passes its gates becomes a release; <code>aimass up</code> answers with it.</Empty>)}</Shown>
      {asked && chosen && <ActDialog deed={asked.deed} of={chosen} close={() => ask(null)} again={endpoints.again} />}
    </div>
  );
}

function Row({ of: row, may, ask }: { of: Endpoint; may: boolean; ask: (deed: Deed) => void }) {
  const fresh = newest(row);
  const back = backTo(row);
  const href = `#/endpoints/${encodeURIComponent(row.name)}`;
  return (
    <tr>
      <td title={row.why}><State of={row.state} /></td>
      <th scope="row"><a class="name" href={href}><b>{row.name}</b></a>{fresh && <span class="badge fresh-version">v{fresh} is new</span>}</th>
      <td class="split-cell"><Split shares={row.shares} stable={row.stable} /></td>
      <td class="right figure" title={`${row.now.answers} answers`}>{number(row.now.per_second, 3)}</td>
      <td><Spark points={row.spark.map(([time, value]) => [time!, value!, value!, value!])} label={`Answers a second of ${row.name} in the last hour`} /></td>
      <td class="right"><Ms value={row.now.p50_ms} /></td><td class="right"><Ms value={row.now.p95_ms} /></td><td class="right"><Ms value={row.now.p99_ms} /></td>
      <td class="right"><Errors of={row.now} /></td>
      <td class="right deeds">
        <a class="button quiet" href={`#/playground/${encodeURIComponent(row.name)}`} title="Try it" aria-label={`Try ${row.name}`}><Icon name="playground" /></a>
        {may && back && <button type="button" onClick={() => ask('rollback')}>Roll back</button>}
        {may && !back && fresh && <button type="button" onClick={() => ask('publish')}>Publish v{fresh}</button>}
      </td>
    </tr>
  );
}

function csvOf(rows: Endpoint[]): string {
  const head = ['name', 'state', 'who answers', 'answers', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'error share'];
  return linesAsCsv([head, ...rows.map(({ name, state, shares, stable, now }) => [name, state, Object.keys(shares).length ? split(shares, stable) : '', now.answers, now.per_second, now.p50_ms, now.p95_ms, now.p99_ms, now.error_share])]);
}
