// A new value: what it may be, and what it does, before it is set.
import { useState } from 'preact/hooks';
import { call, type Refusal } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Problem, useForm } from '../../parts/form.tsx';
import { toast } from '../../shell/toasts.tsx';
import { rangeOf, shown, story, valueOf, type Parameter } from './words.ts';

export function Edit({ row, close, again }: { row: Parameter; close: () => void; again: () => void }) {
  const now = row.wanted ?? row.value;
  const [text, write] = useState(String(now));
  const value = valueOf(text, row);
  const send = async (wanted: Parameter['value'] | null) => {
    const { rows } = await call('PATCH /parameters', { body: { values: { [row.name]: wanted } } });
    again();
    close();
    const change = rows[0]?.newest;
    toast(`${row.name} is ${shown(rows[0]?.wanted ?? rows[0]?.value ?? wanted, row.unit)} now`, 'plain', change ? () => undo(change.id, row.name, again) : undefined);
  };
  const form = useForm(() => (value === null ? Promise.resolve() : send(value)));
  const same = value === now;
  return (
    <Dialog label={`Change ${row.name}`} kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Change <code>{row.name}</code></h2>
        <p class="muted">{story(row)}.</p>
        <div class="field"><label for="parameter">New value</label>
          {row.choices.length ? (
            <select id="parameter" value={text} autofocus onChange={(event) => write(event.currentTarget.value)}>{row.choices.map((one) => <option key={one} value={one}>{one.toLowerCase()}</option>)}</select>
          ) : (
            <input id="parameter" inputMode="decimal" autocomplete="off" spellcheck={false} autofocus value={text} aria-invalid={value === null} aria-describedby="range" onInput={(event) => write(event.currentTarget.value)} />
          )}
          <small id="range" class={value === null ? 'bad' : 'muted'}>{row.whole ? 'A whole number, ' : ''}{rangeOf(row)}{row.choices.length || row.unit === 'bytes' ? '' : ` ${row.unit}`}; default {shown(row.default, row.unit)}</small>
        </div>
        <dl class="preview">
          <div><dt>Now</dt><dd>{shown(now, row.unit)}</dd></div>
          <div><dt>Then</dt><dd>{value === null ? '–' : same ? 'the same' : <b>{shown(value, row.unit)}</b>}</dd></div>
          <div><dt>Takes effect</dt><dd>{row.effect}</dd></div>
        </dl>
        <Problem refusal={form.refusal} />
        <p class="row">
          <button type="submit" class="primary" disabled={value === null || same || form.busy}>{value === null || same ? 'Set' : `Set to ${shown(value, row.unit)}`}</button>
          {now !== row.default && <button type="button" onClick={() => void send(null).catch((problem: Refusal) => toast(problem.message, 'bad'))}>Back to {shown(row.default, row.unit)}</button>}
          <button type="button" onClick={close}>Leave it</button>
        </p>
      </form>
    </Dialog>
  );
}

export function undo(id: number, name: string, again: () => void): Promise<void> {
  return call('POST /parameters/changes/{id}/undo', { path: { id } }).then(() => {
    toast(`${name} is as it was before`);
    again();
  }, (problem: Refusal) => toast(problem.message, 'bad'));
}
