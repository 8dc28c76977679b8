// What a file seems to hold: its columns with the types that the steps will find, and its first rows as they are.
import type { ComponentChildren } from 'preact';
import { useAnswer, type Answer } from '../../api/answer.ts';
import type { Calls } from '../../api/schema.ts';
import { number, plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { useQuery } from '../../parts/place.ts';
import { sentence, Shown } from '../../parts/states.tsx';
import { Tabs } from '../../parts/tabs.tsx';

export type Look = Calls['GET /files/{name}/look']['answer'];
export type Seen = Look['columns'][number];

export const TASKS: Record<string, string> = { binary: 'one of two classes', multiclass: 'one of several classes', regression: 'a number' };

/** A file of the data folder. */
export function LookAt({ name, close }: { name: string; close: () => void }) {
  const look = useAnswer('GET /files/{name}/look', { path: { name } });
  return (
    <Looked title={name} of={look}>
      <button type="button" class="quiet" aria-label="Close" onClick={close}><Icon name="close" /></button>
    </Looked>
  );
}

export function Looked({ title, of: look, children }: { title: string; of: Answer<Look>; children?: ComponentChildren }) {
  const [tab, choose] = useQuery('show', 'columns');
  const at = tab === 'rows' ? 'rows' : 'columns';
  return (
    <section class="card look" aria-label={`What ${title} holds`}>
      <header><h2>{title}</h2><p class="muted">{look.value ? told(look.value) : ''}</p><span class="space" />{children}</header>
      <Shown of={look} what={title} lines={6}>{(seen) => (
        <Tabs label={`Parts of ${title}`} tabs={[{ key: 'columns', title: 'Columns', count: seen.columns_in_all }, { key: 'rows', title: 'First rows' }]} at={at} choose={choose}>
          {at === 'columns' ? <Columns of={seen} /> : <Rows of={seen} />}
        </Tabs>
      )}</Shown>
    </section>
  );
}

/** How much was looked at, and what of it cannot be read. */
export function told({ seen, whole, malformed }: Look): string {
  const rows = whole ? plural(seen, 'row') : `the first ${plural(seen, 'row')} looked at`;
  return malformed ? `${rows}; ${plural(malformed, 'line')} cannot be read and will be set aside` : rows;
}

function Columns({ of: look }: { of: Look }) {
  return (
    <div class="scroll"><table class="plain">
      <thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Prepared as</th><th scope="col" class="right">Missing</th><th scope="col" class="right">Distinct</th><th scope="col">For example</th></tr></thead>
      <tbody>{look.columns.map((one) => (
        <tr key={one.name}><th scope="row"><b>{one.name}</b></th><td>{one.type}</td><td><Kind of={one} /></td>
          <td class="right figure">{share(one.missing, look.seen)}</td><td class="right figure">{number(one.distinct)}</td>
          <td class="muted examples">{one.examples.join(' · ')}</td></tr>
      ))}</tbody>
    </table>{look.columns_in_all > look.columns.length && <p class="muted calm">The first {number(look.columns.length)} columns are shown.</p>}</div>
  );
}

const DROPPED: Record<string, string> = { identifier: 'it names its row and is left out', constant: 'it has one value only and is left out', json: 'lists and tables: take values out of it, or drop it' };

export function Kind({ of: column }: { of: Seen }) {
  const why = DROPPED[column.kind];
  return why ? <span class="muted" title={sentence(why)}>{column.kind}, left out</span> : <>{column.kind}</>;
}

export const share = (count: number, of: number): string => (count ? `${number((100 * count) / of, 2)} %` : '0');

function Rows({ of: look }: { of: Look }) {
  return (
    <div class="scroll rows" tabIndex={0} role="region" aria-label="First rows"><table class="plain">
      <thead><tr>{look.columns.map((one) => <th key={one.name} scope="col" class={numeric(one) ? 'right' : ''}>{one.name}</th>)}</tr></thead>
      <tbody>{look.rows.map((row, i) => (
        <tr key={i}>{row.map((cell, j) => <td key={j} class={numeric(look.columns[j]!) ? 'right figure' : ''}>{cell ?? <span class="muted">–</span>}</td>)}</tr>
      ))}</tbody>
    </table></div>
  );
}

const numeric = (column: Seen): boolean => column.type === 'number' || column.type === 'integer';
