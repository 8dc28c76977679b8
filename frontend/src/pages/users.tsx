// Who may use the console, and as what.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me, Refusal } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Csv } from '../parts/csv-button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Problem, useForm } from '../parts/form.tsx';
import { plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Menu } from '../parts/menu.tsx';
import { allows } from '../parts/rights.ts';
import { FIRST, Granted, GrantsField, ROLES } from '../parts/roles.tsx';
import { Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { toast } from '../shell/toasts.tsx';

type User = Calls['GET /users']['answer']['rows'][number];
type Changes = Calls['PATCH /users/{name}']['body'];

export default function UsersPage() {
  const users = useAnswer('GET /users');
  const may = allows(useCell(me), 'users.change');
  const [adding, add] = useState(false);
  return (
    <div class="page">
      <header class="head"><h1>Users</h1><p class="muted">{users.value ? plural(users.value.rows.length, 'user') : ''}</p><span class="space" />
        <Csv of="Users" name="users" rows={users.value?.rows} />
        {may && <button type="button" class="primary" onClick={() => add(true)}>Add user</button>}</header>
      <Shown of={users} what="The list of users">{({ rows }) => (
        <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">Name</th><th scope="col">Access</th><th scope="col">State</th><th scope="col">Added</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
          <tbody>{rows.map((user) => <Row key={user.name} user={user} may={may} again={users.again} />)}</tbody></table></div>
      )}</Shown>
      {adding && <Add close={() => add(false)} again={users.again} />}
    </div>
  );
}

function Row({ user, may, again }: { user: User; may: boolean; again: () => void }) {
  const mine = useCell(me)?.user === user.name;
  const [asked, ask] = useState<'' | 'access' | 'password' | 'remove'>('');
  const plain = user.grants.length === 1 && user.grants[0]?.scope === '*';
  const changed = (done: string, undo?: Changes) => {
    toast(done, 'plain', undo && (() => change(undo, `${user.name} is as before`)));
    again();
  };
  const change = (body: Changes, done: string, undo?: Changes): Promise<void> => call('PATCH /users/{name}', { path: { name: user.name }, body }).then(() => changed(done, undo), (problem: Refusal) => toast(problem.message, 'bad'));
  return (
    <tr>
      <th scope="row"><b>{user.name}</b>{mine && <span class="muted"> (you)</span>}</th>
      <td>{may && !mine && plain ? (
        <select aria-label={`Role of ${user.name}`} value={user.role} onChange={(event) => {
          const role = event.currentTarget.value as NonNullable<Changes['role']>;
          change({ role }, `${user.name} is ${role} now`, { role: user.role as typeof role });
        }}>{ROLES.map((role) => <option key={role}>{role}</option>)}</select>
      ) : <Granted grants={user.grants} />}</td>
      <td><State of={user.disabled ? 'disabled' : 'allowed'} /></td>
      <td><Ago at={user.created} /></td>
      <td class="right">{may && (
        <Menu label={`Deeds for ${user.name}`} face={<Icon name="more" />}>
          {!mine && <button type="button" role="menuitem" onClick={() => ask('access')}>Change access</button>}
          <button type="button" role="menuitem" onClick={() => ask('password')}>Set a new password</button>
          {!mine && <button type="button" role="menuitem" onClick={() => change({ disabled: !user.disabled }, user.disabled ? `${user.name} may sign in again` : `${user.name} may not sign in any more`, { disabled: Boolean(user.disabled) })}>{user.disabled ? 'Let in again' : 'Disable'}</button>}
          {!mine && <button type="button" role="menuitem" onClick={() => ask('remove')}>Remove</button>}
        </Menu>
      )}
      {asked === 'access' && <Access user={user} close={() => ask('')} again={changed} />}
      {asked === 'password' && <Password user={user.name} close={() => ask('')} />}
      {asked === 'remove' && (
        <Confirm title={`Remove ${user.name}?`} verb={`Remove ${user.name}`} name={user.name} close={() => ask('')}
          act={() => call('DELETE /users/{name}', { path: { name: user.name } }).then(again)}>
          Every session of {user.name} ends. What {user.name} did stays in the audit. To keep somebody out for a while, disable instead.
        </Confirm>
      )}</td>
    </tr>
  );
}

function Add({ close, again }: { close: () => void; again: () => void }) {
  const [grants, set] = useState(FIRST);
  const form = useForm(async ({ name = '', password = '' }) => {
    await call('POST /users', { body: { name, password, grants } });
    toast(`${name} may sign in`);
    again();
    close();
  });
  return (
    <Dialog label="Add user" kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Add user</h2>
        <Field name="name" label="Name" autocomplete="off" autofocus />
        <Field name="password" label="First password" type="password" autocomplete="new-password" hint="Tell it to them by a safe way; they can change it." />
        <GrantsField grants={grants} set={set} />
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy}>Add user</button><button type="button" onClick={close}>Cancel</button></p>
      </form>
    </Dialog>
  );
}

function Access({ user, close, again }: { user: User; close: () => void; again: (done: string, undo: Changes) => void }) {
  const [grants, set] = useState(user.grants);
  const form = useForm(async () => {
    await call('PATCH /users/{name}', { path: { name: user.name }, body: { grants } });
    again(`${user.name} has other access now`, { grants: user.grants });
    close();
  });
  return (
    <Dialog label={`Access of ${user.name}`} kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Access of {user.name}</h2>
        <p class="muted">Every session of {user.name} ends. A project is known by what its sources are called: PROJECT/NAME.</p>
        <GrantsField grants={grants} set={set} />
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy}>Change access</button><button type="button" onClick={close}>Cancel</button></p>
      </form>
    </Dialog>
  );
}

function Password({ user, close }: { user: string; close: () => void }) {
  const form = useForm(async ({ password = '' }) => {
    await call('PATCH /users/{name}', { path: { name: user }, body: { password } });
    toast(`${user} has a new password`);
    close();
  });
  return (
    <Dialog label={`New password of ${user}`} kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>New password of {user}</h2>
        <p class="muted">Every session of {user} ends.</p>
        <Field name="password" label="Password" type="password" autocomplete="new-password" autofocus />
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy}>Set password</button><button type="button" onClick={close}>Cancel</button></p>
      </form>
    </Dialog>
  );
}
