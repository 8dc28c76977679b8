// An alias is moved: what changes in figures first, then the deed, then ten seconds to take it back.
import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { call, type Refusal } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Problem, useForm } from '../../parts/form.tsx';
import { bytes, number } from '../../parts/format.ts';
import { Interval } from '../../parts/interval.tsx';
import { Shown } from '../../parts/states.tsx';
import { toast } from '../../shell/toasts.tsx';
import type { Version } from '../model.tsx';

type Model = Calls['GET /models/{name}']['answer'];
type Figures = Model['versions'][number]['figures'];
const CHAMPION = 'champion';

export function MoveAlias({ of: version, close, again }: { of: Version; close: () => void; again: () => void }) {
  const model = useAnswer('GET /models/{name}', { path: { name: version.name }, query: { limit: 200 } });
  return (
    <Dialog label="Move alias" kind="ask" close={close}>
      <h2>Move an alias to {version.name}@{version.number}</h2>
      <Shown of={model} what="The model" lines={4}>{(model) => <Ask of={version} model={model} close={close} again={again} />}</Shown>
    </Dialog>
  );
}

function Ask({ of: version, model, close, again }: { of: Version; model: Model; close: () => void; again: () => void }) {
  const [alias, write] = useState(CHAMPION);
  const now = model.aliases.find((one) => one.alias === alias);
  const form = useForm(async ({ why = '' }) => {
    await call('PUT /models/{name}/aliases/{alias}', { path: { name: version.name, alias }, body: { version: version.number, why, was: now?.number ?? (now ? null : 0) } });
    again();
    close();
    toast(`${version.name}@${alias} is version ${version.number} now`, 'plain', now?.number === null ? undefined : () => back(version, alias, now?.number ?? null, again));
  });
  const there = now?.number === version.number;
  return (
    <form onSubmit={form.submit}>
      <div class="field"><label for="alias">Alias</label><input id="alias" value={alias} list="aliases" required spellcheck={false} autocapitalize="none" autocomplete="off" onInput={(event) => write(event.currentTarget.value.trim())} />
        <datalist id="aliases">{model.aliases.map((one) => <option key={one.alias} value={one.alias} />)}</datalist></div>
      {there ? <p class="muted">It points to version {version.number} already.</p> : <Effect from={model.versions.find((one) => one.number === now?.number)?.figures} to={model.versions.find((one) => one.number === version.number)?.figures} was={now?.number ?? null} is={version.number} />}
      <div class="field"><label for="why">Why</label><input id="why" name="why" maxLength={500} autocomplete="off" placeholder="Kept in the audit, beside your name" /></div>
      <Problem refusal={form.refusal} />
      <p class="row"><button type="submit" class="primary" disabled={form.busy || there || !alias}>{now?.number ? `Move from @${now.number} to @${version.number}` : `Point to @${version.number}`}</button><button type="button" onClick={close}>Leave it</button></p>
    </form>
  );
}

/** What who asks for the alias gets instead of what they got. */
function Effect({ from, to, was, is }: { from: Figures | undefined; to: Figures | undefined; was: number | null; is: number }) {
  if (was === null) return <p class="muted">Nobody is served by it yet: it is a new alias.</p>;
  const rows = [
    { what: to?.metric || from?.metric || 'quality', before: from?.quality, after: to?.quality, unit: '' },
    { what: 'p99', before: from?.p99_ms, after: to?.p99_ms, unit: 'ms' },
  ];
  return (
    <>
      <p>Who asks for this alias is answered by version {is} within seconds; version {was} stays.</p>
      <table class="plain"><thead><tr><th scope="col">Figure</th><th scope="col">@{was}</th><th scope="col">@{is}</th><th scope="col" class="right">Change</th></tr></thead>
        <tbody>
          {rows.map(({ what, before, after, unit }) => <tr key={what}><th scope="row">{what}</th><td><Interval of={before} unit={unit} /></td><td><Interval of={after} unit={unit} /></td><td class="right figure">{before && after ? signed(after.value - before.value) : '–'}</td></tr>)}
          <tr><th scope="row">size</th><td class="figure">{bytes(from?.size_bytes)}</td><td class="figure">{bytes(to?.size_bytes)}</td><td class="right figure">{from?.size_bytes && to?.size_bytes ? `× ${number(to.size_bytes / from.size_bytes, 3)}` : '–'}</td></tr>
        </tbody></table>
    </>
  );
}

const signed = (value: number): string => (value > 0 ? `+${number(value, 3)}` : number(value, 3));

function back(version: Version, alias: string, before: number | null, again: () => void): void {
  const path = { name: version.name, alias };
  const done = before === null ? call('DELETE /models/{name}/aliases/{alias}', { path, query: { was: version.number } })
    : call('PUT /models/{name}/aliases/{alias}', { path, body: { version: before, why: 'undone', was: version.number } });
  done.then(() => {
    toast(before === null ? `${version.name}@${alias} is gone again` : `${version.name}@${alias} is version ${before} again`);
    again();
  }, (problem: Refusal) => toast(problem.message, 'bad'));
}
