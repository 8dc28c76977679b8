// Sources: what is collected from where, when it was last read, and how it went.
import { usePaged } from '../api/paged.ts';
import type { Run, Source } from '../api/kinds.ts';
import { useTopic } from '../api/topic.ts';
import { Csv } from '../parts/csv-button.tsx';
import { rowsAsCsv } from '../parts/csv.ts';
import { Figure } from '../parts/figure.tsx';
import { number, plural } from '../parts/format.ts';
import { useQuery } from '../parts/place.ts';
import { Search } from '../parts/search.tsx';
import { Empty, Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Ago } from '../parts/times.tsx';

export default function SourcesPage() {
  const [text, write] = useQuery('text');
  const found = usePaged('GET /sources', { query: { limit: 500 } });
  const all = found.rows ?? [];
  useTopic<{ changed: Run[] }>('runs', ({ changed }) => changed.some((run) => run.step === 'collect') && found.again(), found.again);
  const fits = (row: Source) => `${row.name} ${row.collector} ${row.where}`.toLowerCase().includes(text.toLowerCase());
  const rows = all.filter(fits);
  return (
    <div class="page full">
      <header class="head"><h1>Sources</h1><p class="muted" role="status">{found.rows ? `${plural(rows.length, 'source')}${text ? ' match' : ''}` : ''}</p></header>
      <div class="bar" role="search" aria-label="Filter sources"><Search label="Search sources" hint="Name, collector or place" text={text} write={write} /><span class="space" />
        <Csv of="Sources" name="sources" off={!rows.length} text={() => found.all().then(({ rows, more }) => ({ text: rowsAsCsv(rows.filter(fits)), more }))} /></div>
      {!found.rows ? (found.refusal?.status === 403 ? <Forbidden refusal={found.refusal} what="The list of sources" /> : found.refusal ? <Failed refusal={found.refusal} again={found.again} what="The list of sources" /> : <Loading lines={8} what="Loading sources" />)
        : !all.length ? <Empty title="No source yet" command="aimass collect --name flights --use csv --set source.path=flights.csv">A file, folder, database or generator that is read stands here, with every fetch.</Empty>
          : !rows.length ? <Empty title="No source is like that"><button type="button" onClick={() => write('')}>Clear the search</button></Empty> : (
            <div class={`fill${found.refusal ? ' stale' : ''}`}>
              {found.refusal && <Stale at={found.at} />}
              <div class={`fill${found.refusal ? ' greyed' : ''}`}><Table label="Sources" columns={columnsOf(all)} count={rows.length} row={(i) => rows[i]} keyOf={(row) => row.name} rowHeight={36} onSeen={(_, to) => found.need(to)} classOf={(row) => (row.state === 'failed' ? 'failed' : '')} /></div>
            </div>
          )}
    </div>
  );
}

function columnsOf(rows: Source[]): Column<Source>[] {
  const terms: Column<Source> = { key: 'terms', title: 'Terms', width: 150, cell: (row) => <span title={termsOf(row)}>{termsOf(row) || <span class="muted">–</span>}</span> };
  return [
    { key: 'state', title: 'Last fetch', width: 112, cell: (row) => <State of={row.state} /> },
    { key: 'name', title: 'Name', width: 190, cell: (row) => <a class="name" href={`#/sources/${encodeURIComponent(row.name)}`} title={row.name}>{row.name}</a> },
    { key: 'collector', title: 'Collector', width: 110, cell: (row) => row.collector },
    { key: 'where', title: 'Where', cell: (row) => <code title={row.where}>{row.where || '–'}</code> },
    ...(rows.some((row) => termsOf(row)) ? [terms] : []),
    { key: 'rows', title: 'Rows', width: 110, right: true, cell: (row) => <Figure value={row.rows} /> },
    { key: 'malformed', title: 'Unreadable', width: 104, right: true, cell: (row) => <span class={row.malformed ? 'bad figure' : 'muted figure'}>{number(row.malformed)}</span> },
    { key: 'fetches', title: 'Fetches', width: 90, right: true, cell: (row) => <Figure value={row.fetches} /> },
    { key: 'fetched', title: 'Fetched', width: 130, cell: (row) => <Ago at={row.fetched} /> },
  ];
}

/** What the collector's settings say of what its rows may be used for. */
export const termsOf = (source: Source): string => Object.values(source.terms).join('; ');
