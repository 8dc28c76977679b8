// The settings of a step or a part as fields: what is not said shows its default; what is said can be taken back.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { sentence } from '../../parts/states.tsx';
import { choices, equal, nameOf, parsed, partOf, rangeOf, settingsOf, withValue, written, type Field, type Form, type Values } from './draft.ts';

export type Troubles = Map<string, { error: string; expected?: string | undefined }>;

export interface Around {
  families: Form['families'];
  troubles: Troubles;
}

interface Props extends Around {
  fields: Field[];
  values: Values;
  at: string; // dotted place of these fields: "" or "model."
  change: (values: Values) => void;
}

export function Fields({ fields, values, at, change, ...around }: Props) {
  return (
    <div class="fields">{fields.map((field) => (
      <One key={field.name} field={field} value={values[field.name ?? '']} at={at + field.name} set={(value) => change(withValue(values, field.name ?? '', value))} {...around} />
    ))}</div>
  );
}

export interface OneProps extends Around {
  field: Field;
  value: unknown; // undefined: its default
  at: string;
  set: (value: unknown) => void; // undefined: back to its default
}

function One(props: OneProps) {
  const { field } = props;
  if (field.kind === 'part') return <PartField {...props} />;
  if (field.kind === 'group') return <Group {...props} />;
  if (field.kind === 'list' && field.of?.kind === 'part') return <PartList {...props} />;
  return <Row {...props}>{field.kind === 'choice' || field.choices ? <Choice {...props} /> : <Text {...props} />}</Row>;
}

/** Name, control, what it means and what is wrong with it, in columns that all fields share. */
function Row({ field, value, at, set, troubles, children, more }: OneProps & { children: ComponentChildren; more?: ComponentChildren }) {
  const trouble = troubles.get(at);
  const said = !field.required && value !== undefined && !equal(value, field.default);
  return (
    <div class={`setting${said ? ' said' : ''}${trouble ? ' wrong-one' : ''}`}>
      <label for={`set-${at}`}><code>{field.name}</code>{field.required && <span class="muted"> needed</span>}</label>
      <div class="control">{children}
        {said && <button type="button" class="quiet" title="Back to its default" aria-label={`${at} back to its default`} onClick={() => set(undefined)}><Icon name="undo" /></button>}</div>
      <p class="means muted small" id={`means-${at}`}>
        {trouble && <span class="bad"><span aria-hidden="true">✕ </span>{sentence(trouble.error)}{trouble.expected && !trouble.error.includes(trouble.expected) && ` Expected: ${trouble.expected}.`}<br /></span>}
        {field.help}{field.help && rangeOf(field) && ' · '}{rangeOf(field)}
      </p>
      {more}
    </div>
  );
}

const described = ({ at, troubles }: OneProps) => ({ 'aria-describedby': `means-${at}`, 'aria-invalid': troubles.has(at) });

function Text(props: OneProps) {
  const { field, value, at, set } = props;
  const [typed, type] = useState(written(field, value));
  useEffect(() => type((typed) => (equal(typed === '' ? undefined : parsed(field, typed), value) ? typed : written(field, value))), [value]);
  const usual = field.default === null || field.default === undefined ? (field.optional ? 'none' : '') : written(field, field.default) || 'empty';
  const words = field.words ?? [];
  const write = (text: string) => {
    type(text);
    set(text === '' ? undefined : parsed(field, text));
  };
  return (
    <>
      <input id={`set-${at}`} type="text" value={typed} placeholder={usual} required={Boolean(field.required)} spellcheck={false} autocomplete="off" autocapitalize="none"
        inputMode={field.kind === 'number' || field.kind === 'integer' ? (words.length ? 'text' : 'decimal') : 'text'} list={words.length ? `words-${at}` : undefined}
        onInput={(event) => write(event.currentTarget.value)} {...described(props)} />
      {words.length > 0 && <datalist id={`words-${at}`}>{words.map((word) => <option key={String(word)} value={String(word)} />)}</datalist>}
    </>
  );
}

function Choice(props: OneProps) {
  const { field, value, at, set } = props;
  const choices = [...(field.choices ?? []), ...(field.optional ? [null] : [])];
  const now = value === undefined ? field.default : value;
  const known = choices.some((choice) => equal(choice, now));
  return (
    <select id={`set-${at}`} value={JSON.stringify(now ?? null)} {...described(props)}
      onChange={(event) => {
        const next = JSON.parse(event.currentTarget.value) as unknown;
        set(!field.required && equal(next, field.default) ? undefined : next);
      }}>
      {!known && <option value={JSON.stringify(now ?? null)}>{now === null || now === undefined ? 'choose' : String(now)}</option>}
      {choices.map((choice) => <option key={String(choice)} value={JSON.stringify(choice)}>{choice === null ? 'none' : typeof choice === 'boolean' ? (choice ? 'yes' : 'no') : String(choice) || 'empty'}</option>)}
    </select>
  );
}

function PartField(props: OneProps) {
  const { field, value, at, set, families, troubles } = props;
  const parts = families[field.family ?? ''] ?? [];
  const now = value === undefined ? field.default : value;
  const name = nameOf(now);
  const part = parts.find((one) => one.name === name);
  const none = field.optional && !field.required;
  const choose = (next: string) => set(next === '' ? (field.default === null ? undefined : null) : equal(next, field.default) ? undefined : next);
  return (
    <Row {...props} troubles={moved(troubles, `${at}.use`, at)} more={part && <Inner part={part} value={now} at={at} set={set} families={families} troubles={troubles} />}>
      <select id={`set-${at}`} value={name} onChange={(event) => choose(event.currentTarget.value)} {...described(props)}>
        {(none || !name) && <option value="">{none ? 'as is usual' : 'choose'}</option>}
        {name && !part && <option value={name}>{name}</option>}
        {parts.map((one) => <option key={one.name} value={one.name} disabled={Boolean(one.lacks)}>{one.name}{one.lacks ? ' (not installed)' : ''}</option>)}
      </select>
    </Row>
  );
}

/** What is wrong FROM one place, told at another. */
function moved(troubles: Troubles, from: string, to: string): Troubles {
  const trouble = troubles.get(from);
  return trouble ? new Map([...troubles, [to, trouble]]) : troubles;
}

/** The settings of a part, folded until one of them is a choice or wrong. */
function Inner({ part, value, at, set, families, troubles }: Around & { part: Form['families'][string][number]; value: unknown; at: string; set: (value: unknown) => void }) {
  const settings = settingsOf(value);
  const changed = choices(settings, part.fields, families);
  const wrong = [...troubles.keys()].some((key) => key.startsWith(`${at}.`) && key !== `${at}.use`);
  if (!part.fields.length) return part.help ? <p class="inner muted small">{part.help}</p> : null;
  return (
    <details class="inner" open={changed > 0 || wrong}>
      <summary>{part.help && <span class="muted">{part.help} </span>}{plural(part.fields.length, 'setting')}{changed > 0 && <b>, {changed} changed</b>}</summary>
      <Fields fields={part.fields} values={settings} at={`${at}.`} families={families} troubles={troubles} change={(next) => set(partOf(part.name, next))} />
    </details>
  );
}

function Group(props: OneProps) {
  const { field, value, at, set, families, troubles } = props;
  const now = value === undefined ? field.default : value;
  const off = field.optional && (now === null || now === undefined);
  const fields = (field.fields ?? []) as Field[];
  return (
    <Row {...props} more={!off && <div class="inner"><Fields fields={fields} values={now as Values ?? {}} at={`${at}.`} families={families} troubles={troubles} change={set} /></div>}>
      {field.optional ? (
        <label class="check"><input id={`set-${at}`} type="checkbox" checked={!off} onChange={(event) => set(event.currentTarget.checked ? {} : undefined)} /> {off ? 'off' : 'on'}</label>
      ) : <span id={`set-${at}`} class="muted small">{plural(fields.length, 'setting')}</span>}
    </Row>
  );
}

function PartList(props: OneProps) {
  const { field, value, at, set, families, troubles } = props;
  const parts = families[field.of?.family ?? ''] ?? [];
  const now = value === undefined ? field.default : value;
  const list = Array.isArray(now) ? now as unknown[] : [];
  const put = (i: number, one: unknown) => set(list.map((before, j) => (i === j ? one : before)));
  return (
    <Row {...props} more={list.length > 0 && (
      <ol class="inner parts">{list.map((one, i) => {
        const part = parts.find(({ name }) => name === nameOf(one));
        return (
          <li key={`${i} ${nameOf(one)}`}>
            <p class="row"><b>{i + 1}. {nameOf(one)}</b><button type="button" class="quiet" aria-label={`Take out ${nameOf(one)}`} title="Take out" onClick={() => set(list.filter((_, j) => j !== i))}><Icon name="close" /></button></p>
            {part && <Inner part={part} value={one} at={`${at}.${i}`} set={(next) => put(i, next)} families={families} troubles={troubles} />}
          </li>
        );
      })}</ol>
    )}>
      <select id={`set-${at}`} value="" {...described(props)} onChange={(event) => event.currentTarget.value && set([...list, event.currentTarget.value])}>
        <option value="">{list.length ? 'add another' : (field.words ?? []).includes(now as string) ? String(now) : 'add one'}</option>
        {parts.map((one) => <option key={one.name} value={one.name} disabled={Boolean(one.lacks)}>{one.name}{one.lacks ? ' (not installed)' : ''}</option>)}
      </select>
    </Row>
  );
}
