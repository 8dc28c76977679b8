// Who did what, newest first, with what was before and after.
import { usePaged } from '../api/paged.ts';
import type { Calls } from '../api/schema.ts';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { changed } from '../parts/flat.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Ago } from '../parts/times.tsx';

type Entry = Calls['GET /audit']['answer']['rows'][number];
const PAGE = 200;

export default function AuditPage() {
  const [who, setWho] = useQuery('who');
  const [what, setWhat] = useQuery('what');
  const { rows, more, refusal, at, need, again, all } = usePaged('GET /audit', { query: { who, what, limit: PAGE } });
  return (
    <div class="page full">
      <header class="head"><h1>Audit</h1></header>
      <div class="bar" role="search" aria-label="Filter entries">
        <label class="search"><Icon name="users" /><input type="search" aria-label="Who" placeholder="Who" value={who} spellcheck={false} onChange={(event) => setWho(event.currentTarget.value.trim())} /></label>
        <label class="search"><Icon name="search" /><input type="search" aria-label="What, from its beginning" placeholder="What: users., session." value={what} spellcheck={false} onChange={(event) => setWhat(event.currentTarget.value.trim())} /></label>
        <span class="space" />
        <Csv of="Audit" name="audit" off={!rows?.length} text={() => all().then(({ rows, more }) => ({ text: csvOf(rows), more }))} />
      </div>
      {refusal?.status === 403 ? <Forbidden refusal={refusal} what="The audit" /> : refusal && !rows ? <Failed refusal={refusal} what="The audit" again={again} />
        : !rows ? <Loading lines={12} /> : rows.length ? (
          <div class={`fill${refusal ? ' stale' : ''}`}>
            {refusal && <Stale at={at} />}
            <div class={`fill${refusal ? ' greyed' : ''}`}><Table label="Audit" columns={COLUMNS} count={rows.length + (more ? 1 : 0)} row={(i) => rows[i]} keyOf={(entry) => entry.id} rowHeight={28} onSeen={(_, to) => need(to)} /></div>
          </div>
        ) : <Empty title={who || what ? 'Nothing like that was done' : 'Nothing was done yet'} />}
    </div>
  );
}

const COLUMNS: Column<Entry>[] = [
  { key: 'time', title: 'When', width: 130, cell: (entry) => <Ago at={entry.time} /> },
  { key: 'who', title: 'Who', width: 150, cell: (entry) => <b>{entry.who || '–'}</b> },
  { key: 'what', title: 'What', width: 160, cell: (entry) => <code>{entry.what}</code> },
  { key: 'subject', title: 'To whom or what', width: 160, cell: (entry) => <span title={entry.subject}>{entry.subject}</span> },
  { key: 'change', title: 'Before → after', cell: (entry) => <span title={changed(entry)}>{changed(entry)}</span> },
  { key: 'address', title: 'From', width: 120, cell: (entry) => entry.address },
  { key: 'request', title: 'Request', width: 130, cell: (entry) => <code>{entry.request}</code> },
];

function csvOf(rows: Entry[]): string {
  const head = ['id', 'time', 'who', 'what', 'subject', 'before', 'after', 'address', 'request'] as const;
  return linesAsCsv([[...head], ...rows.map((entry) => head.map((name) => entry[name]))]);
}
