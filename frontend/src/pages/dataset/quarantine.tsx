// Rows that were put aside, with the reason: the cell that broke the contract is marked.
import { useMemo } from 'preact/hooks';
import { usePaged } from '../../api/paged.ts';
import type { DatasetDetail } from '../../api/kinds.ts';
import { Csv } from '../../parts/csv-button.tsx';
import { linesAsCsv } from '../../parts/csv.ts';
import { number, plural } from '../../parts/format.ts';
import { adjust, useQuery } from '../../parts/place.ts';
import { Empty, Failed, Forbidden, Loading, Stale } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { blamed, parsed, type Parsed } from './words.ts';

const WIDEST = 40; // columns that are drawn

export function Quarantine({ dataset }: { dataset: DatasetDetail }) {
  const [reason, setReason] = useQuery('reason');
  const [source] = useQuery('source');
  const found = usePaged('GET /datasets/{digest}/quarantine', { path: { digest: dataset.digest }, query: { reason, source, limit: 200 } });
  const rows = useMemo(() => (found.rows ?? []).map(parsed), [found.rows]);
  const reasons = dataset.sources.flatMap((one) => Object.entries(one.reasons).map(([reason, count]) => ({ source: one.name, reason, count })));
  const total = reasons.filter((one) => (!reason || one.reason === reason) && (!source || one.source === source)).reduce((sum, one) => sum + one.count, 0) || (reason ? 0 : dataset.quality.bad ?? 0);
  if (found.refusal?.status === 403) return <Forbidden refusal={found.refusal} what="The quarantine" />;
  if (!found.rows) return found.refusal ? <Failed refusal={found.refusal} again={found.again} what="The quarantine" /> : <Loading what="Loading the quarantine" lines={8} />;
  return (
    <div>
      <div class="bar">
        {reasons.length > 0 && (
          <label>Reason <select value={reason} onChange={(event) => { adjust({ source: '' }); setReason(event.currentTarget.value); }}>
            <option value="">all reasons</option>{[...new Set(reasons.map((one) => one.reason))].map((one) => <option key={one} value={one}>{one}</option>)}
          </select></label>
        )}
        <span class="muted" role="status">{plural(total, 'row')}{source && ` of ${source}`}{found.more ? `, ${number(rows.length)} of them here` : ''}</span>
        <span class="space" />
        <Csv of="Rows in quarantine" name={`${dataset.name}-quarantine`} off={!rows.length} text={() => found.all().then(({ rows, more }) => ({ text: csvOf(rows.map(parsed)), more }))} />
      </div>
      {found.refusal && <Stale at={found.at} />}
      {rows.length ? <Table label="Rows in quarantine" columns={columnsOf(rows)} count={rows.length} row={(i) => rows[i]} keyOf={(row) => row.i} rowHeight={28} tall={Math.min(560, 40 + rows.length * 28)} onSeen={(_, to) => found.need(to)} /> : <Empty title="No row was put aside for this" />}
    </div>
  );
}

function columnsOf(rows: Parsed[]): Column<Parsed>[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.cells ?? {})))].slice(0, WIDEST);
  const cell = (row: Parsed, name: string) => {
    const value = row.cells?.[name];
    const words = value === null || value === undefined ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return <span class={blamed(row.reason, names) === name ? 'bad' : value === null || value === undefined ? 'muted' : ''} title={words}>{words}</span>;
  };
  const raw: Column<Parsed> = { key: 'raw', title: 'As it came', width: 480, cell: (row) => <code title={row.row ?? ''}>{row.cells ? '' : row.row}</code> };
  return [
    { key: 'reason', title: 'Reason', width: 240, cell: (row) => <span title={row.reason}>{row.reason}</span> },
    ...names.map((name): Column<Parsed> => ({ key: `c.${name}`, title: name, width: 130, cell: (row) => cell(row, name) })),
    ...(rows.some((row) => !row.cells) ? [raw] : []),
  ];
}

const csvOf = (rows: Parsed[]): string => linesAsCsv([['source', 'reason', 'row'], ...rows.map((row) => [row.source, row.reason, row.row])]);
