// Keys of programs: told once, then kept as a hash.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Csv } from '../parts/csv-button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Problem, useForm } from '../parts/form.tsx';
import { milliseconds, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { allows } from '../parts/rights.ts';
import { FIRST, Granted, GrantsField } from '../parts/roles.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { copy } from '../shell/keys.ts';

type Key = Calls['GET /keys']['answer']['rows'][number];

export default function KeysPage() {
  const keys = useAnswer('GET /keys');
  const may = allows(useCell(me), 'keys.change');
  const [making, make] = useState(false);
  return (
    <div class="page">
      <header class="head"><h1>Keys</h1><p class="muted">{keys.value ? plural(keys.value.rows.length, 'key') : ''}</p><span class="space" />
        <Csv of="Keys" name="keys" rows={keys.value?.rows} />
        {may && <button type="button" class="primary" onClick={() => make(true)}>Make key</button>}</header>
      <Shown of={keys} what="The list of keys">{({ rows }) => (rows.length ? (
        <table class="plain boxed"><thead><tr><th scope="col">Name</th><th scope="col">Key</th><th scope="col">Access</th><th scope="col">State</th><th scope="col">Made</th><th scope="col">Ends</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
          <tbody>{rows.map((key) => <Row key={key.id} of={key} may={may} again={keys.again} />)}</tbody></table>
      ) : <Empty title="No key yet">A program that uses the API shows a key: <code>Authorization: Bearer KEY</code>.</Empty>)}</Shown>
      {making && <Make close={() => make(false)} again={keys.again} />}
    </div>
  );
}

const stateOf = (key: Key): string => (key.revoked ? 'revoked' : key.expires && milliseconds(key.expires) < Date.now() ? 'expired' : 'allowed');

function Row({ of: key, may, again }: { of: Key; may: boolean; again: () => void }) {
  const [asked, ask] = useState(false);
  return (
    <tr>
      <th scope="row"><b>{key.name}</b></th><td><code>{key.id}</code></td><td><Granted grants={key.grants} /></td><td><State of={stateOf(key)} /></td>
      <td><Ago at={key.created} /> <span class="muted">by {key.made_by}</span></td><td>{key.expires ? <Ago at={key.expires} /> : <span class="muted">never</span>}</td>
      <td class="right">{may && stateOf(key) === 'allowed' && <button type="button" onClick={() => ask(true)}>Revoke</button>}
        {asked && (
          <Confirm title={`Revoke the key ${key.name}?`} verb="Revoke key" name={key.name} close={() => ask(false)} act={() => call('DELETE /keys/{id}', { path: { id: key.id } }).then(again)}>
            From the next request on it opens nothing. It cannot be given back: programs that show it need a new one.
          </Confirm>
        )}</td>
    </tr>
  );
}

function Make({ close, again }: { close: () => void; again: () => void }) {
  const [told, tell] = useState('');
  const [grants, set] = useState(FIRST);
  const form = useForm(async ({ name = '', expires = '' }) => {
    const made = await call('POST /keys', { body: { name, grants, expires } });
    tell(made.key);
    again();
  });
  if (told) {
    return (
      <Dialog label="The new key" kind="ask" close={close}>
        <h2>The new key</h2>
        <p>It is shown this once. Put it where the program finds it, as <code>AIMASS_KEY</code>.</p>
        <p class="secret"><code>{told}</code><button type="button" onClick={() => copy(told, 'The key is copied')}><Icon name="copy" /> Copy</button></p>
        <p class="row"><button type="button" class="primary" onClick={close}>I have it</button></p>
      </Dialog>
    );
  }
  return (
    <Dialog label="Make key" kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Make key</h2>
        <Field name="name" label="Name" autocomplete="off" autofocus hint="Of the program that will show it. It never may more than who made it." />
        <GrantsField grants={grants} set={set} />
        <Field name="expires" label="Ends" type="date" required={false} hint="Empty: never." />
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy}>Make key</button><button type="button" onClick={close}>Cancel</button></p>
      </form>
    </Dialog>
  );
}
