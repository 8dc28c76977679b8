// One column in large: how its values lie, which are the most frequent, what a person should know of it.
import type { Profile, Profiled } from '../../api/kinds.ts';
import { Bars } from '../../chart/bars.tsx';
import { Csv } from '../../parts/csv-button.tsx';
import { figured, number, percent } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { sentence } from '../../parts/states.tsx';
import { shapeOf } from './words.ts';

const MARKS: Array<[string, string]> = [['0.05', '5 % are below'], ['0.25', '25 %'], ['0.5', '50 % (median)'], ['0.75', '75 %'], ['0.95', '95 %']];

export function Inspected({ column, profile, close }: { column: Profiled; profile: Profile; close: () => void }) {
  const said = profile.findings.filter((finding) => finding.column === column.name);
  return (
    <section class="card inspector" aria-label={`Column ${column.name}`}>
      <header><h2 class="cut" title={column.name}>{column.name}</h2><span class="muted">{column.type}</span><span class="space" /><button type="button" class="quiet" aria-label="Close" onClick={close}><Icon name="close" /></button></header>
      {said.map((finding) => <p key={finding.what} class={finding.serious ? 'warning' : 'muted'}>{sentence(finding.what)}</p>)}
      {column.bins && <Histogram column={column} />}
      <dl class="pairs-of">
        <Pair name="Missing">{number(column.missing)} <span class="muted">({percent(profile.rows ? column.missing / profile.rows : 0)})</span></Pair>
        {column.distinct !== null && column.distinct !== undefined && <Pair name="Distinct">{column.counted ? '' : 'about '}{number(column.distinct)}</Pair>}
        {column.least !== null && column.least !== undefined && <Numbers column={column} />}
        {column.longest !== null && column.longest !== undefined && <Pair name="Letters">{number(column.shortest)} to {number(column.longest)}, {number(column.length, 3)} on average</Pair>}
        {column.size !== null && column.size !== undefined && <Pair name="Bytes, on average">{number(column.size)}</Pair>}
      </dl>
      {column.values && column.values.length > 0 && <Frequent column={column} rows={profile.rows - column.missing} />}
    </section>
  );
}

function Pair({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Numbers({ column }: { column: Profiled }) {
  const told = (value: number | null | undefined) => <span title={String(value)}>{figured(value, column.type)}</span>;
  const moment = column.type === 'timestamp' || column.type === 'date';
  return (
    <>
      <Pair name="Least">{told(column.least)}</Pair>
      {MARKS.map(([key, name]) => <Pair key={key} name={name}>{told(column.quantiles?.[key])}</Pair>)}
      <Pair name="Greatest">{told(column.greatest)}</Pair>
      <Pair name="Mean">{told(column.mean)}</Pair>
      {!moment && <Pair name="Standard deviation">{told(column.deviation)}</Pair>}
    </>
  );
}

function Histogram({ column }: { column: Profiled }) {
  const { low, high, counts, below, above } = column.bins!;
  const whole = column.type === 'integer' && high - low === counts.length; // a bar a number
  const ends = [whole ? low + 0.5 : low, whole ? high - 0.5 : high];
  return (
    <figure class="histogram">
      <Bars counts={counts} label={shapeOf(column)} width={300} height={96} />
      <figcaption><span class="figure">{figured(ends[0], column.type)}</span>
        {below + above > 0 && <span class="muted">{number(below + above)} further away</span>}
        <span class="figure">{figured(ends[1], column.type)}</span></figcaption>
      <Csv of={shapeOf(column)} name={`${column.name}-histogram`} rows={counts.map((count, i) => ({ from: low + (i * (high - low)) / counts.length, to: low + ((i + 1) * (high - low)) / counts.length, count }))} small />
    </figure>
  );
}

function Frequent({ column, rows }: { column: Profiled; rows: number }) {
  const shown = column.values!;
  const rest = rows - shown.reduce((sum, one) => sum + one.count, 0);
  const most = Math.max(...shown.map((one) => one.count));
  return (
    <table class="plain frequent"><caption class="unseen">The most frequent values</caption>
      <thead><tr><th scope="col">Most frequent</th><th scope="col" class="right">Rows</th><th scope="col" class="right">Share</th></tr></thead>
      <tbody>
        {shown.map((one) => (
          <tr key={one.value}><th scope="row" title={one.value}><span class="cut">{one.value === '' ? <i class="muted">empty text</i> : one.value}</span>
            <svg class="under" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true"><rect width={(one.count / most) * 100} height="3" /></svg></th>
            <td class="right figure">{number(one.count)}</td><td class="right figure">{percent(one.count / Math.max(rows, 1))}</td></tr>
        ))}
        {rest > 0 && <tr class="muted"><th scope="row">{number((column.distinct ?? 0) - shown.length)} others</th><td class="right figure">{number(rest)}</td><td class="right figure">{percent(rest / Math.max(rows, 1))}</td></tr>}
      </tbody>
    </table>
  );
}
