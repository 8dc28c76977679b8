// How the console looks and counts for the reader, kept in this browser; and the password.
import { useState } from 'preact/hooks';
import { call, me } from '../api/client.ts';
import { useCell } from '../parts/cell.ts';
import { Field, Problem, useForm } from '../parts/form.tsx';
import { absolute, zone } from '../parts/format.ts';
import { recall, remember } from '../parts/place.ts';
import { choose, theme, THEMES } from '../shell/theme.ts';
import { toast } from '../shell/toasts.tsx';

const OWN = Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];
const SMOOTH = ['0', '0.5', '0.8', '0.95'];
const KEPT = ['aimass.theme', 'aimass.rows', 'aimass.zone', 'aimass.smooth', 'aimass.rail'];

export default function SettingsPage() {
  return (
    <div class="page">
      <header class="head"><h1>Settings</h1></header>
      <div class="settings"><Looks /><Password /></div>
    </div>
  );
}

function Looks() {
  const now = useCell(theme);
  const [rows, setRows] = useState(recall('aimass.rows') ?? '28');
  const [named, setZone] = useState(zone.name);
  const [smooth, setSmooth] = useState(recall('aimass.smooth') ?? '0');
  const dense = (value: string) => {
    setRows(value);
    for (const key of ['aimass.rows', 'aimass.runs.rows']) remember(key, value === '28' ? null : value);
    if (value === '28') delete document.documentElement.dataset['rows'];
    else document.documentElement.dataset['rows'] = value;
  };
  const live = (value: string) => {
    zone.name = value;
    remember('aimass.zone', value || null);
    setZone(value);
  };
  const smoothed = (value: string) => {
    remember('aimass.smooth', value === '0' ? null : value);
    setSmooth(value);
  };
  const forget = () => {
    for (const key of [...KEPT, ...keptOfPages()]) remember(key, null);
    choose('system');
    dense('28');
    live('');
    smoothed('0');
    toast('Everything is as at first');
  };
  return (
    <section aria-labelledby="looks">
      <h2 id="looks">In this browser</h2>
      <Choice label="Theme" options={THEMES.map((one) => [one, one])} at={now} pick={(one) => choose(one as typeof now)} />
      <Choice label="Rows of tables" options={[['28', 'dense'], ['36', 'comfortable']]} at={rows} pick={dense} />
      <div class="choice"><label for="zone">Time zone</label>
        <select id="zone" value={named} onChange={(event) => live(event.currentTarget.value)}><option value="">{OWN}, as the browser has it</option>{ZONES.map((one) => <option key={one}>{one}</option>)}</select>
        <p class="muted small">Now it is {absolute(Date.now() / 1000)}.</p></div>
      <Choice label="Smoothing of curves" options={SMOOTH.map((one) => [one, one === '0' ? 'none' : one])} at={smooth} pick={smoothed}>The raw line stays visible under the smoothed one; each page can have its own.</Choice>
      <p><button type="button" onClick={forget}>Forget what this browser keeps</button> <span class="muted small">choices of tables and pages, too; nothing of it is on the server</span></p>
    </section>
  );
}

/** What pages keep under names of their own. */
function keptOfPages(): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith('aimass.'));
  } catch {
    return []; // no storage, nothing kept
  }
}

interface ChoiceProps {
  label: string;
  options: Array<[string, string]>;
  at: string;
  pick: (key: string) => void;
  children?: string;
}

function Choice({ label, options, at, pick, children }: ChoiceProps) {
  return (
    <div class="choice"><span>{label}</span>
      <div class="options" role="group" aria-label={label}>{options.map(([key, title]) => <button key={key} type="button" class="chip" aria-pressed={key === at} onClick={() => pick(key)}>{title}</button>)}</div>
      {children && <p class="muted small">{children}</p>}
    </div>
  );
}

function Password() {
  const who = useCell(me);
  const form = useForm(async ({ old = '', fresh = '' }) => {
    me.value = await call('POST /me/password', { body: { old, new: fresh } });
    toast('The password is changed; every other session of yours has ended');
  });
  return (
    <section aria-labelledby="password">
      <h2 id="password">Password of {who?.user}</h2>
      <form class="settings" onSubmit={form.submit}>
        <Field name="old" label="Password of today" type="password" autocomplete="current-password" />
        <Field name="fresh" label="New password" type="password" autocomplete="new-password" hint="10 letters or more; every other session of yours ends" />
        <Problem refusal={form.refusal} />
        <p><button type="submit" disabled={form.busy}>Change the password</button></p>
      </form>
    </section>
  );
}
