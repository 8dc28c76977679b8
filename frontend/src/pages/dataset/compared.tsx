// What this version has that another had not, and how far the values of each column moved.
import { useAnswer } from '../../api/answer.ts';
import type { DatasetDetail, Difference } from '../../api/kinds.ts';
import { Bars } from '../../chart/bars.tsx';
import { Csv } from '../../parts/csv-button.tsx';
import { absolute, number, percent, plural, short } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { useQuery } from '../../parts/place.ts';
import { Shown } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { summary } from './words.ts';

type Moved = Difference['columns'][number];

const ROW = 44; // pixels
const TONES: Record<string, [shape: string, tone: string, words: string]> = {
  stable: ['✓', 'good', 'stable'], slight: ['▲', 'warning', 'moved a little'], strong: ['✕', 'bad', 'moved far'],
  added: ['+', 'accent', 'new column'], removed: ['–', 'bad', 'gone'], type: ['▲', 'warning', 'another type'],
};

export function Compared({ dataset }: { dataset: DatasetDetail }) {
  const others = dataset.versions.filter((one) => one.digest !== dataset.digest);
  const [asked, choose] = useQuery('against', dataset.previous ?? others[0]?.digest ?? '');
  const against = others.some((one) => one.digest === asked) ? asked : others[0]!.digest;
  const found = useAnswer('GET /datasets/{digest}/difference', { path: { digest: dataset.digest }, query: { against } });
  return (
    <div>
      <div class="bar"><label>Compared with <select value={against} onChange={(event) => choose(event.currentTarget.value)}>
        {others.map((one) => <option key={one.digest} value={one.digest}>{one.version === null ? short(one.digest) : `version ${one.version}`}, {absolute(one.created)}</option>)}
      </select></label><span class="space" /><Csv of="What differs, column by column" name={`${dataset.name}-difference`} rows={found.value?.columns} /></div>
      <Shown of={found} what="The difference" lines={8}>{(found) => <Drawn of={found} key={against} />}</Shown>
    </div>
  );
}

function Drawn({ of: found }: { of: Difference }) {
  const [name, choose] = useQuery('column');
  const one = found.columns.find((column) => column.name === name && column.labels.length > 0);
  const moved = found.columns.filter((column) => column.change || (column.verdict && column.verdict !== 'stable'));
  return (
    <>
      <p class="summary">{summary(found)} {moved.length ? <b>{plural(moved.length, 'column')} of {number(found.columns.length)} changed.</b> : <b>No column changed.</b>}</p>
      <div class={one ? 'beside' : ''}>
        <Table label="What differs, column by column" columns={columnsOf(name, choose, Boolean(one))} count={found.columns.length} row={(i) => found.columns[i]} keyOf={(row) => row.name} rowHeight={ROW}
          tall={Math.min(600, 36 + found.columns.length * (ROW + 1))} classOf={(row) => (row.name === name ? 'chosen' : '')} />
        {one && <Bins of={one} close={() => choose('')} />}
      </div>
    </>
  );
}

export function verdictOf(column: Moved): [shape: string, tone: string, words: string] {
  return TONES[column.change || column.verdict] ?? ['', 'muted', 'not compared'];
}

function columnsOf(chosen: string, choose: (name: string) => void, narrow: boolean): Column<Moved>[] {
  const all: Column<Moved>[] = [
    { key: 'name', title: 'Column', cell: (column) => (column.labels.length ? <button type="button" class="link name" title={column.name} aria-expanded={column.name === chosen} onClick={() => choose(column.name === chosen ? '' : column.name)}>{column.name}</button> : <span title={column.name}>{column.name}</span>) },
    { key: 'type', title: 'Type', width: 160, cell: (column) => (column.change === 'type' ? `${column.before} → ${column.after}` : column.after ?? column.before) },
    { key: 'verdict', title: 'Change', width: 150, cell: (column) => <Verdict of={column} /> },
    { key: 'drift', title: 'Drift (PSI)', width: 110, right: true, cell: (column) => (column.drift === null || column.drift === undefined ? <span class="muted">–</span> : <span class="figure" title={`Population stability index. Chance alone hardly exceeds ${number(column.chance, 3)}.`}>{column.drift.toFixed(3)}</span>) },
    { key: 'drawn', title: 'Before and after', width: 180, cell: (column) => (column.labels.length ? <Bars counts={column.shares_after} before={column.shares_before} width={156} label={`${column.name}: ${verdictOf(column)[2]}`} /> : null) },
  ];
  return narrow ? all.filter((column) => column.key !== 'type') : all;
}

function Verdict({ of: column }: { of: Moved }) {
  const [shape, tone, words] = verdictOf(column);
  return <span class={`state ${tone}`}><span class="shape" aria-hidden="true">{shape}</span>{words}</span>;
}

/** Where the rows of before and of now lie, bin by bin. */
function Bins({ of: column, close }: { of: Moved; close: () => void }) {
  const rows = column.labels.map((label, i) => ({ label, before: column.shares_before[i]!, after: column.shares_after[i]! })).filter((row) => row.before || row.after);
  return (
    <section class="card inspector" aria-label={`Column ${column.name}`}>
      <header><h2 class="cut" title={column.name}>{column.name}</h2><span class="muted">{column.after}</span><span class="space" /><Csv of={`${column.name}: shares before and after`} name={`${column.name}-shares`} rows={rows} small /><button type="button" class="quiet" aria-label="Close" onClick={close}><Icon name="close" /></button></header>
      <p class="muted">Drift {column.drift!.toFixed(3)}; chance alone hardly exceeds {number(column.chance, 2)}. Above 0.1 it is worth a look, above 0.25 far.</p>
      <Bars counts={column.shares_after} before={column.shares_before} width={300} height={96} label={`${column.name}: shares before and after`} />
      <table class="plain frequent"><thead><tr><th scope="col">Values</th><th scope="col" class="right">Before</th><th scope="col" class="right">Now</th></tr></thead>
        <tbody>{rows.map((row) => <tr key={row.label}><th scope="row" title={row.label}><span class="cut">{row.label}</span></th><td class="right figure">{percent(row.before)}</td><td class="right figure">{percent(row.after)}</td></tr>)}</tbody></table>
    </section>
  );
}
