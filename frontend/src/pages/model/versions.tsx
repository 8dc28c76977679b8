// All versions of the name, its aliases, and who moved them when and why.
import { useAnswer } from '../../api/answer.ts';
import { call, me, type Refusal } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import { useCell } from '../../parts/cell.ts';
import { bytes } from '../../parts/format.ts';
import { Interval } from '../../parts/interval.tsx';
import { useQuery } from '../../parts/place.ts';
import { allows } from '../../parts/rights.ts';
import { Empty, Shown } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import { toast } from '../../shell/toasts.tsx';
import type { Version } from '../model.tsx';

type Model = Calls['GET /models/{name}']['answer'];

export function Versions({ of: version, again }: { of: Version; again: () => void }) {
  const [before, go] = useQuery('before');
  const answer = useAnswer('GET /models/{name}', { path: { name: version.name }, ...(/^[1-9]\d*$/.test(before) && { query: { before: Number(before) } }) });
  return (
    <Shown of={answer} what="The versions">{(model) => (
      <div class="stack">
        <All of={model} here={version.number} />
        {(before || model.older) && <p class="row">{before && <button type="button" onClick={() => go('')}>Newest</button>}{model.older && <button type="button" onClick={() => go(String(model.older))}>Older</button>}</p>}
        <Aliases of={model} again={() => { answer.again(); again(); }} />
      </div>
    )}</Shown>
  );
}

function All({ of: model, here }: { of: Model; here: number }) {
  return (
    <section aria-labelledby="versions"><h2 id="versions">Versions</h2>
      <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col" class="right">Version</th><th scope="col">Aliases</th><th scope="col">Released</th><th scope="col">By</th><th scope="col">Quality</th><th scope="col">p99, ms</th><th scope="col" class="right">Size</th><th scope="col">Digest</th></tr></thead>
        <tbody>{model.versions.map((one) => (
          <tr key={one.number} class={one.number === here ? 'chosen' : ''}>
            <th scope="row" class="right"><a class="figure" href={`#/models/${encodeURIComponent(model.name)}/${one.number}`} aria-current={one.number === here}>@{one.number}</a></th>
            <td><span class="tags">{one.aliases.map((alias) => <span key={alias} class="tag">{alias}</span>)}</span></td>
            <td><Ago at={one.created} /></td><td>{one.run ? <a href={`#/runs/${one.run}`}>run {one.run}</a> : <span class="muted">–</span>}</td>
            <td><Interval of={one.figures?.quality} /> <span class="muted small">{one.figures?.metric}</span></td><td><Interval of={one.figures?.p99_ms} /></td><td class="right figure">{bytes(one.figures?.size_bytes)}</td>
            <td><code title={one.digest}>{one.digest.slice(0, 12)}</code></td>
          </tr>
        ))}</tbody></table></div>
    </section>
  );
}

function Aliases({ of: model, again }: { of: Model; again: () => void }) {
  const may = allows(useCell(me), 'models.change');
  return (
    <div class="columns">
      <section aria-labelledby="aliases"><h2 id="aliases">Aliases</h2>
        {model.aliases.length ? (
          <table class="plain"><thead><tr><th scope="col">Alias</th><th scope="col">Points to</th><th scope="col">Moved</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
            <tbody>{model.aliases.map((one) => (
              <tr key={one.alias}><th scope="row"><b>{one.alias}</b></th><td>{one.number ? <a href={`#/models/${encodeURIComponent(model.name)}/${one.number}`}>@{one.number}</a> : <span class="bad">what is no version: <code>{one.digest.slice(0, 12)}</code></span>}</td>
                <td><Ago at={one.moved} /></td><td class="right">{may && one.alias !== 'champion' && <button type="button" onClick={() => remove(model.name, one.alias, one.number ?? null, again)}>Remove</button>}</td></tr>
            ))}</tbody></table>
        ) : <Empty title="No alias">Who asks for the name alone is refused.</Empty>}
      </section>
      <section aria-labelledby="changes"><h2 id="changes">Moved by hand</h2>
        {model.changes.length ? (
          <table class="plain"><thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">Alias</th><th scope="col">From, to</th><th scope="col">Why</th></tr></thead>
            <tbody>{model.changes.map((one) => <tr key={one.time}><td><Ago at={one.time} /></td><td>{one.who}</td><th scope="row">{one.alias}</th><td class="figure">{one.before ? `@${one.before}` : 'none'} → {one.after ? `@${one.after}` : 'none'}</td><td>{one.why || <span class="muted">–</span>}</td></tr>)}</tbody></table>
        ) : <p class="muted">Nobody has: each release has moved it to itself.</p>}
      </section>
    </div>
  );
}

function remove(name: string, alias: string, number: number | null, again: () => void): void {
  const path = { name, alias };
  call('DELETE /models/{name}/aliases/{alias}', { path }).then(() => {
    again();
    toast(`${name}@${alias} is gone`, 'plain', number === null ? undefined : () => void call('PUT /models/{name}/aliases/{alias}', { path, body: { version: number, why: 'undone', was: 0 } }).then(again, (problem: Refusal) => toast(problem.message, 'bad')));
  }, (problem: Refusal) => toast(problem.message, 'bad'));
}
