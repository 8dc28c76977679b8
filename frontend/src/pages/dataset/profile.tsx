// The profile: a line a column with its values drawn, and the chosen one in large.
import { useAnswer } from '../../api/answer.ts';
import type { DatasetDetail, Profile, Profiled } from '../../api/kinds.ts';
import { Bars, Share } from '../../chart/bars.tsx';
import { Csv } from '../../parts/csv-button.tsx';
import { linesAsCsv } from '../../parts/csv.ts';
import { figured, number, percent, plural } from '../../parts/format.ts';
import { useQuery } from '../../parts/place.ts';
import { Search } from '../../parts/search.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Inspected } from './column.tsx';
import { looked, shapeOf } from './words.ts';

const ROW = 44; // pixels

export function ProfileTab({ dataset }: { dataset: DatasetDetail }) {
  const profile = useAnswer('GET /datasets/{digest}/profile', { path: { digest: dataset.digest } });
  return <Shown of={profile} what="The profile" lines={8}>{(profile) => <Drawn profile={profile} name={dataset.name} />}</Shown>;
}

function Drawn({ profile, name }: { profile: Profile; name: string }) {
  const [text, write] = useQuery('column-text');
  const [chosen, choose] = useQuery('column');
  const rows = profile.columns.filter((column) => column.name.toLowerCase().includes(text.toLowerCase()));
  const one = profile.columns.find((column) => column.name === chosen);
  return (
    <div>
      <div class="bar">
        <Search label="Search columns" hint="Search columns" text={text} write={write} />
        <span class="muted" role="status">{plural(rows.length, 'column')}. {looked(profile)}</span>
        <span class="space" />
        <Csv of="Profile of the columns" name={`${name}-profile`} text={() => csvOf(profile)} />
      </div>
      <div class={one ? 'beside' : ''}>
        {rows.length ? (
          <Table label="Profile of the columns" columns={columnsOf(profile.rows, chosen, choose, Boolean(one))} count={rows.length} row={(i) => rows[i]} keyOf={(row) => row.name} rowHeight={ROW}
            tall={Math.min(640, 36 + rows.length * (ROW + 1))} classOf={(row) => (row.name === chosen ? 'chosen' : '')} />
        ) : <Empty title="No column is called so" />}
        {one && <Inspected column={one} profile={profile} close={() => choose('')} />}
      </div>
    </div>
  );
}

function columnsOf(rows: number, chosen: string, choose: (name: string) => void, narrow: boolean): Column<Profiled>[] {
  const all: Column<Profiled>[] = [
    { key: 'name', title: 'Column', cell: (column) => <button type="button" class="link name" title={column.name} aria-expanded={column.name === chosen} onClick={() => choose(column.name === chosen ? '' : column.name)}>{column.name}</button> },
    { key: 'type', title: 'Type', width: 130, cell: (column) => <>{column.type}{column.found && <span class="muted" title="It was collected as text; cleaning makes this of it"> in text</span>}</> },
    { key: 'drawn', title: 'Values', width: 164, cell: (column) => <Small column={column} rows={rows} /> },
    { key: 'missing', title: 'Missing', width: 120, cell: (column) => <Share of={rows ? column.missing / rows : 0} tone="warning" /> },
    { key: 'distinct', title: 'Distinct', width: 100, right: true, cell: (column) => <Distinct column={column} /> },
    { key: 'least', title: 'Least', width: 120, right: true, cell: (column) => <End column={column} value={column.least} short={column.shortest} /> },
    { key: 'middle', title: 'Median', width: 120, right: true, cell: (column) => <End column={column} value={column.quantiles?.['0.5']} short={column.length} /> },
    { key: 'greatest', title: 'Greatest', width: 120, right: true, cell: (column) => <End column={column} value={column.greatest} short={column.longest} /> },
  ];
  return narrow ? all.filter((column) => !['type', 'least', 'middle', 'greatest'].includes(column.key)) : all;
}

function Distinct({ column: { distinct, counted } }: { column: Profiled }) {
  if (distinct === null || distinct === undefined) return <span class="muted">–</span>;
  return <span class="figure" title={counted ? 'counted' : 'an estimate'}>{!counted && <span class="muted">about </span>}{number(distinct, counted ? 4 : 2)}</span>;
}

/** Of numbers and times the value, of texts how long they are. */
function End({ column, value, short }: { column: Profiled; value: number | null | undefined; short: number | null | undefined }) {
  if (value !== null && value !== undefined) return <span class="figure" title={String(value)}>{figured(value, column.type)}</span>;
  if (short !== null && short !== undefined) return <span class="muted figure">{number(Math.round(short))} letters</span>;
  return <span class="muted">–</span>;
}

function Small({ column, rows }: { column: Profiled; rows: number }) {
  if (column.bins) return <Bars counts={column.bins.counts} label={shapeOf(column)} />;
  if (column.values?.length) return <Bars counts={column.values.map((one) => one.count)} label={shapeOf(column)} />;
  return <span class="muted">{shapeOf(column, rows)}</span>;
}

function csvOf(profile: Profile): string {
  const head = ['column', 'type', 'missing', 'missing share', 'wrong', 'distinct', 'least', 'q0.05', 'q0.25', 'median', 'q0.75', 'q0.95', 'greatest', 'mean', 'deviation', 'most frequent'];
  const line = (column: Profiled) => {
    const q = column.quantiles ?? {};
    return [column.name, column.type, column.missing, profile.rows ? percent(column.missing / profile.rows) : '', column.wrong, column.distinct, column.least, q['0.05'], q['0.25'], q['0.5'], q['0.75'], q['0.95'], column.greatest, column.mean, column.deviation, column.values?.[0]?.value];
  };
  return linesAsCsv([head, ...profile.columns.map(line)]);
}
