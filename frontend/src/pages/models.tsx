// What is published: the version in use of each name, its figures, its aliases.
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { bytes, plural } from '../parts/format.ts';
import { Interval } from '../parts/interval.tsx';
import { useQuery } from '../parts/place.ts';
import { Search } from '../parts/search.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Ago } from '../parts/times.tsx';

type Models = Calls['GET /models']['answer'];
type Model = Models['rows'][number];

export default function ModelsPage() {
  const [text, write] = useQuery('text');
  const [after, go] = useQuery('after');
  const models = useAnswer('GET /models', { query: { text, after } });
  const rows = models.value?.rows ?? [];
  return (
    <div class="page">
      <header class="head"><h1>Registry</h1><p class="muted" role="status">{models.value ? `${plural(rows.length, 'name')}${after || models.value.next ? ' on this page' : ''}` : ''}</p></header>
      <div class="bar" role="search" aria-label="Filter models">
        <Search label="Search by name" hint="Name" text={text} write={(text) => { go(''); write(text); }} />
        <span class="space" />
        <Csv of="Models" name="models" text={() => csvOf(rows)} />
      </div>
      <Shown of={models} what="The registry">{({ rows, next }) => (rows.length ? (
        <>
          <div class="scroll"><table class="plain boxed registry"><thead><tr><th scope="col">Model</th><th scope="col">In use</th><th scope="col">Aliases</th><th scope="col">Quality</th><th scope="col" class="right">p99, ms</th><th scope="col" class="right">Size</th><th scope="col">Last release</th></tr></thead>
            <tbody>{rows.map((model) => <Row key={model.name} of={model} />)}</tbody></table></div>
          {(after || next) && <p class="row pager">{after && <button type="button" onClick={() => go('')}>First page</button>}{next && <button type="button" onClick={() => go(next)}>Next page</button>}</p>}
        </>
      ) : text ? <Empty title="No model is called that"><button type="button" onClick={() => write('')}>Clear the filter</button></Empty>
        : <Empty title="Nothing is published yet" command="aimass run aimass.toml">A model that passes its gates gets a name and a number here. <a href="#/ledgers">Ledgers</a> say what was tried.</Empty>)}</Shown>
    </div>
  );
}

function Row({ of: model }: { of: Model }) {
  const path = `#/models/${encodeURIComponent(model.name)}`;
  const figures = model.figures;
  return (
    <tr>
      <th scope="row"><a class="name" href={`${path}/${model.used}`}><b>{model.name}</b></a> <span class="muted small">{plural(model.versions, 'version')}</span></th>
      <td><a href={`${path}/${model.used}`} class="figure">@{model.used}</a>{model.newest > model.used && <> <a class="small" href={`${path}/${model.newest}`}>@{model.newest} is newer</a></>}</td>
      <td><span class="tags">{model.aliases.map((one) => <Alias key={one.alias} name={model.name} of={one} />)}</span></td>
      <td>{figures?.quality ? <><Interval of={figures.quality} /> <span class="muted small">{figures.metric}</span></> : <span class="muted">–</span>}</td>
      <td class="right"><Interval of={figures?.p99_ms} /></td>
      <td class="right figure">{bytes(figures?.size_bytes)}</td>
      <td><Ago at={model.released} /></td>
    </tr>
  );
}

export function Alias({ name, of: { alias, number } }: { name: string; of: { alias: string; number?: number | null } }) {
  if (!number) return <span class="tag bad" title="It points to what was never published under this name">{alias} → ?</span>;
  return <a class="tag" href={`#/models/${encodeURIComponent(name)}/${number}`}>{alias} <span class="muted">→ {number}</span></a>;
}

function csvOf(rows: Model[]): string {
  const head = ['name', 'used', 'newest', 'versions', 'released', 'metric', 'quality', 'low', 'high', 'p99_ms', 'size_bytes', 'aliases'];
  const line = ({ figures, ...model }: Model) => [model.name, model.used, model.newest, model.versions, model.released, figures?.metric, figures?.quality?.value, figures?.quality?.low, figures?.quality?.high,
    figures?.p99_ms?.value, figures?.size_bytes, model.aliases.map((one) => `${one.alias}=${one.number ?? ''}`).join(' ')];
  return linesAsCsv([head, ...rows.map(line)]);
}
