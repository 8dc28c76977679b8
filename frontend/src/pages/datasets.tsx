// Datasets: each version with its size, rows, quality and how often it was used.
import { usePaged } from '../api/paged.ts';
import type { Dataset, Run } from '../api/kinds.ts';
import { useTopic } from '../api/topic.ts';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { Figure } from '../parts/figure.tsx';
import { bytes, plural, short } from '../parts/format.ts';
import { useQuery } from '../parts/place.ts';
import { Mark } from '../parts/quality.tsx';
import { Search } from '../parts/search.tsx';
import { Empty, Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Ago } from '../parts/times.tsx';

const PAGE = 200;
const STEPS = [['', 'All'], ['collect', 'Collected'], ['clean', 'Cleaned']] as const;

export default function DatasetsPage() {
  const [text, setText] = useQuery('text');
  const [step, setStep] = useQuery('step');
  const found = usePaged('GET /datasets', { query: { text, step, limit: PAGE } });
  const filtered = Boolean(text || step);
  useTopic<{ changed: Run[] }>('runs', ({ changed }) => {
    if (changed.some((run) => run.state === 'finished' && run.output) && (found.rows?.length ?? 0) <= PAGE) found.again(); // further down, nothing moves
  }, found.again);
  return (
    <div class="page full">
      <header class="head"><h1>Datasets</h1><p class="muted" role="status">{found.total === null ? '' : `${plural(found.total, 'version')}${filtered ? ' match' : ''}`}</p></header>
      <div class="bar" role="search" aria-label="Filter datasets">
        <Search label="Search datasets" hint="Name, setting or digest" text={text} write={setText} />
        <div class="chips" role="group" aria-label="Made by">{STEPS.map(([key, title]) => <button key={key} type="button" class="chip" aria-pressed={step === key} onClick={() => setStep(key)}>{title}</button>)}</div>
        <span class="space" />
        <Csv of="Datasets" name="datasets" off={!found.rows?.length} text={() => found.all().then(({ rows, more }) => ({ text: csvOf(rows), more }))} />
      </div>
      <Body found={found} filtered={filtered} clear={() => { setText(''); setStep(''); }} />
    </div>
  );
}

function Body({ found, filtered, clear }: { found: ReturnType<typeof usePaged<'GET /datasets'>>; filtered: boolean; clear: () => void }) {
  const { rows, refusal, total } = found;
  if (refusal?.status === 403) return <Forbidden refusal={refusal} what="The list of datasets" />;
  if (!rows) return refusal ? <Failed refusal={refusal} again={found.again} what="The list of datasets" /> : <Loading lines={12} what="Loading datasets" />;
  if (!rows.length) return filtered ? <Empty title="No dataset is like that"><button type="button" onClick={clear}>Clear filters</button></Empty>
    : <Empty title="No dataset yet" command="aimass collect --name flights --use csv --set source.path=flights.csv">What is collected or cleaned stands here, each version for good.</Empty>;
  return (
    <div class={`fill${refusal ? ' stale' : ''}`}>
      {refusal && <Stale at={found.at} />}
      <div class={`fill${refusal ? ' greyed' : ''}`}><Table label="Datasets" columns={COLUMNS} count={total ?? rows.length} row={(i) => rows[i]} keyOf={(row) => row.digest} rowHeight={36} onSeen={(_, to) => found.need(to)} /></div>
    </div>
  );
}

const DID: Record<string, string> = { collect: 'collected', clean: 'cleaned' };

const COLUMNS: Column<Dataset>[] = [
  { key: 'name', title: 'Name', cell: (row) => <a class="name" href={`#/datasets/${row.digest}`} title={[row.name, ...row.names].join('\n')}>{row.name}</a> },
  { key: 'version', title: 'Version', width: 74, right: true, cell: (row) => (row.version === null ? <span class="muted">–</span> : <span class="figure" title="of its table in the lake">{row.version}</span>) },
  { key: 'step', title: 'How', width: 88, cell: (row) => DID[row.step] ?? row.step },
  { key: 'rows', title: 'Rows', width: 100, right: true, cell: (row) => <Figure value={row.rows} /> },
  { key: 'size', title: 'Size', width: 90, right: true, cell: (row) => <span class="figure" title={row.size === null ? 'not counted when it was collected' : `${row.size} bytes`}>{bytes(row.size)}</span> },
  { key: 'quality', title: 'Quality', width: 118, cell: (row) => <Mark of={row.quality} /> },
  { key: 'used', title: 'Used by', width: 78, right: true, cell: (row) => <Figure value={row.used} /> },
  { key: 'created', title: 'Made', width: 126, cell: (row) => <Ago at={row.created} /> },
  { key: 'run', title: 'Run', width: 64, right: true, cell: (row) => (row.run ? <a href={`#/runs/${row.run}`}>{row.run}</a> : <span class="muted">–</span>) },
  { key: 'digest', title: 'Digest', width: 104, cell: (row) => <code title={row.digest}>{short(row.digest)}</code> },
];

function csvOf(rows: Dataset[]): string {
  const head = ['digest', 'name', 'version', 'step', 'created', 'rows', 'size', 'bad rows', 'used by', 'run'];
  const line = (row: Dataset) => [row.digest, row.name, row.version, row.step, row.created, row.rows, row.size, row.quality.bad, row.used, row.run];
  return linesAsCsv([head, ...rows.map(line)]);
}
