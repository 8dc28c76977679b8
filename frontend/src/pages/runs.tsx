// Runs as a table: sort, filter, columns; what was chosen is in the address, and kept.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { me } from '../api/client.ts';
import { everyRow } from '../api/every-row.ts';
import { useRuns } from '../api/runs.ts';
import type { Run } from '../api/kinds.ts';
import { keyOf } from '../chart/names.ts';
import { Csv } from '../parts/csv-button.tsx';
import { linesAsCsv } from '../parts/csv.ts';
import { listed } from '../parts/address.ts';
import { useCell } from '../parts/cell.ts';
import { Figure } from '../parts/figure.tsx';
import { plural, short } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Menu } from '../parts/menu.tsx';
import { ChosenBar } from './runs/chosen.tsx';
import { useKept, useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Empty, Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { LOOKS, State, STATES } from '../parts/state.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Ago, Span } from '../parts/times.tsx';

const FIXED: Column<Run>[] = [
  { key: 'state', title: 'State', width: 112, sorts: true, cell: (run) => <State of={run.state} /> },
  { key: 'id', title: 'Run', width: 72, right: true, sorts: true, cell: (run) => <a href={`#/runs/${run.id}`} class="figure">{run.id}</a> },
  { key: 'label', title: 'Label', sorts: true, cell: (run) => <a class="name" href={`#/runs/${run.id}`} title={run.label}>{run.label || run.step}</a> },
  { key: 'step', title: 'Step', width: 110, sorts: true, cell: (run) => run.step },
  { key: 'figure', title: 'Key figure', width: 210, cell: (run) => <Key run={run} /> },
  { key: 'started', title: 'Started', width: 130, sorts: true, cell: (run) => <Ago at={run.started} /> },
  { key: 'seconds', title: 'Duration', width: 108, right: true, cell: (run) => <Span from={run.started} to={run.ended ?? null} took={run.seconds ?? null} /> },
  { key: 'memory', title: 'Peak memory, GB', width: 130, right: true, cell: (run) => <Figure value={run.memory_gb} /> },
  { key: 'output', title: 'Output', width: 110, cell: (run) => (run.output ? <code title={run.output}>{short(run.output)}</code> : <span class="muted">–</span>) },
  { key: 'error', title: 'Why it failed', width: 260, cell: (run) => <span class="cut" title={wrong(run)}>{wrong(run)}</span> },
  { key: 'host', title: 'Host', width: 110, cell: (run) => run.host },
];
const FIRST = 'state,id,label,step,figure,started,seconds,host';
const MOST = 500; // runs that are chosen at once
const wrong = (run: Run): string => String((run.error as { error?: string } | null)?.error ?? '');

export default function RunsPage() {
  const [sort, setSort] = useKept('runs', 'sort', '-started');
  const [chosen, choose] = useKept('runs', 'columns', FIRST);
  const [rowHeight, setRows] = useKept('runs', 'rows', '28');
  const [state, setState] = useQuery('state');
  const [step, setStep] = useQuery('step');
  const [text, setText] = useQuery('text');
  const runs = useRuns({ sort, state, step, text });
  const figures = useFigures(runs.rows);
  const [pickedText, setPicked] = useQuery('picked');
  const picked = new Set(listed(pickedText).map(Number).filter(Number.isSafeInteger));
  const pick = (ids: Iterable<number>) => setPicked([...ids].join(','));
  const columns = [ticks(runs.rows, picked, pick), ...listed(chosen).map((key) => columnOf(key)).filter((column) => column !== null)];
  const filtered = Boolean(state || step || text);
  const may = allows(useCell(me), 'jobs.ask');
  return (
    <div class="page runs full">
      <header class="head">
        <h1>Runs</h1>
        <p class="muted" role="status">{runs.total === null || !runs.settled ? '' : `${plural(runs.total, 'run')}${filtered ? ' match' : ''}`}</p>
        <span class="space" />
        {runs.fresh > 0 && <button type="button" class="fresh" onClick={runs.again}>{plural(runs.fresh, 'new run')}: show</button>}
        {may && <a class="button" href="#/new-run"><Icon name="plus" /> New run</a>}
      </header>
      <div class="bar" role="search" aria-label="Filter runs">
        <Search text={text} write={setText} />
        <StateFilter value={state} set={setState} />
        <input type="text" class="step" aria-label="Step" placeholder="Step" value={step} list="steps" onChange={(event) => setStep(event.currentTarget.value.trim())} />
        <datalist id="steps">{[...new Set(runs.rows.map((run) => run.step))].sort().map((step) => <option key={step} value={step} />)}</datalist>
        {filtered && <button type="button" class="quiet" onClick={() => { setText(''); setState(''); setStep(''); }}><Icon name="close" /> Clear filters</button>}
        <span class="space" />
        <button type="button" class="quiet" title="Higher rows" aria-label="Higher rows" onClick={() => setRows(rowHeight === '28' ? '36' : '28')} aria-pressed={rowHeight === '36'}><Icon name="rows" /></button>
        <Columns chosen={listed(chosen)} figures={figures} choose={(keys) => choose(keys.join(','))} />
        <Csv of="Runs" name="runs" off={!runs.rows.length} text={() => everyRow('GET /runs', { query: { sort, state, step, text, limit: 500 } }).then(({ rows, more }) => ({ text: csvOf(rows), more }))} />
      </div>
      {picked.size > 0 && <ChosenBar ids={[...picked]} rows={runs.rows} clear={() => setPicked('')} again={runs.again} />}
      <Body runs={runs} filtered={filtered} columns={columns} sort={sort} setSort={setSort} rowHeight={Number(rowHeight) === 36 ? 36 : 28} clear={() => { setText(''); setState(''); setStep(''); }} />
    </div>
  );
}

type Runs = ReturnType<typeof useRuns>;
type BodyProps = { runs: Runs; filtered: boolean; columns: Column<Run>[]; sort: string; setSort: (sort: string) => void; rowHeight: number; clear: () => void };

function Body({ runs, filtered, columns, sort, setSort, rowHeight, clear }: BodyProps) {
  const { refusal } = runs;
  if (refusal?.status === 403) return <Forbidden refusal={refusal} what="The list of runs" />;
  if (runs.total === null) return refusal && refusal.status !== 401 ? <Failed refusal={refusal} again={runs.again} what="The list of runs" /> : <Loading lines={16} what="Loading runs" />;
  if (!runs.total) return filtered ? <Empty title="No run is like that"><button type="button" onClick={clear}>Clear filters</button></Empty>
    : <Empty title="No run yet" command="aimass run aimass.toml">Each step of a project that works, worked or failed stands here.</Empty>;
  return (
    <div class={`fill${refusal ? ' stale' : ''}`}>
      {refusal && <Stale at={runs.at} />}
      <div class={`fill${refusal ? ' greyed' : ''}`}>
        <Table label="Runs" columns={columns} count={runs.total} row={(i) => runs.rows[i]} keyOf={(run) => run.id} rowHeight={rowHeight}
          sort={sort} onSort={setSort} onSeen={(_, to) => runs.need(to)} classOf={(run) => (run.state === 'failed' ? 'failed' : '')} />
      </div>
    </div>
  );
}

function Search({ text, write }: { text: string; write: (text: string) => void }) {
  const [typed, type] = useState(text);
  useEffect(() => type((typed) => (typed.trim() === text ? typed : text)), [text]);
  return (
    <label class="search"><Icon name="search" />
      <input type="search" aria-label="Search runs" placeholder="Number or label" value={typed} spellcheck={false}
        onInput={(event) => {
          const value = event.currentTarget.value;
          type(value);
          write(value.trim()); // at once: a list that is asked for later ends the question before
        }} />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}

function StateFilter({ value, set }: { value: string; set: (value: string) => void }) {
  const on = listed(value);
  const turn = (state: string) => set((on.includes(state) ? on.filter((one) => one !== state) : [...on, state]).join(','));
  return (
    <div class="chips" role="group" aria-label="State">
      {STATES.slice(0, 4).map((state) => (
        <button key={state} type="button" class={`chip ${LOOKS[state]!.tone}`} aria-pressed={on.includes(state)} onClick={() => turn(state)}><span class="shape" aria-hidden="true">{LOOKS[state]!.shape}</span>{state}</button>
      ))}
      <Menu label="More states" face={<><Icon name="more" />{on.some((state) => STATES.indexOf(state) > 3) && <span class="dot" />}</>} stays>
        {STATES.slice(4).map((state) => <button key={state} type="button" role="menuitemcheckbox" aria-checked={on.includes(state)} onClick={() => turn(state)}><State of={state} /></button>)}
      </Menu>
    </div>
  );
}

function Columns({ chosen, figures, choose }: { chosen: string[]; figures: string[]; choose: (keys: string[]) => void }) {
  const all = [...FIXED.map((column) => ({ key: column.key, title: column.title })), ...figures.map((name) => ({ key: `metrics.${name}`, title: name }))];
  const order = all.map((column) => column.key);
  const turn = (key: string) => choose(chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
  return (
    <Menu label="Choose columns" kind="pick" face={<><Icon name="columns" /> Columns</>} stays>
      {all.map(({ key, title }) => (
        <button key={key} type="button" role="menuitemcheckbox" aria-checked={chosen.includes(key)} disabled={key === 'label'} onClick={() => turn(key)}>{title}</button>
      ))}
      <button type="button" role="menuitem" class="last" onClick={() => choose(listed(FIRST))}>As at first</button>
    </Menu>
  );
}

/** A tick for each run, and one for all that are loaded. */
function ticks(rows: Run[], picked: Set<number>, pick: (ids: Iterable<number>) => void): Column<Run> {
  const all = rows.length > 0 && rows.every((run) => picked.has(run.id));
  const turn = (id: number) => pick(picked.has(id) ? [...picked].filter((one) => one !== id) : [...picked, id]);
  return {
    key: 'tick', title: 'Choose', width: 40,
    head: <label class="tick"><input type="checkbox" aria-label="Choose all runs that are loaded" checked={all} onChange={() => pick(all ? [] : rows.slice(0, MOST).map((run) => run.id))} /></label>,
    cell: (run) => <label class="tick"><input type="checkbox" aria-label={`Choose run ${run.id}`} checked={picked.has(run.id)} onChange={() => turn(run.id)} /></label>,
  };
}

/** The column KEY names: a fixed one, or the newest value of a figure. */
function columnOf(key: string): Column<Run> | null {
  const fixed = FIXED.find((column) => column.key === key);
  if (fixed || !key.startsWith('metrics.')) return fixed ?? null;
  const name = key.slice('metrics.'.length);
  return { key, title: name, width: 130, right: true, cell: (run) => <Figure value={run.metrics[name]} /> };
}

function Key({ run }: { run: Run }) {
  const name = keyOf(Object.keys(run.metrics));
  if (!name) return <span class="muted">–</span>;
  return <span class="keyed"><span class="muted cut">{name}</span><Figure value={run.metrics[name]} /></span>;
}

const useFigures = (rows: Run[]): string[] => useMemo(() => figuresOf(rows), [rows]);

const figuresOf = (rows: Run[]): string[] => [...new Set(rows.flatMap((run) => Object.keys(run.metrics)))].sort();

function csvOf(rows: Run[]): string {
  const figures = figuresOf(rows);
  const head = ['id', 'label', 'step', 'state', 'started', 'ended', 'seconds', 'memory_gb', 'host', 'output', 'error', ...figures];
  const line = (run: Run) => [run.id, run.label, run.step, run.state, run.started, run.ended, run.seconds, run.memory_gb, run.host, run.output, wrong(run), ...figures.map((name) => run.metrics[name])];
  return linesAsCsv([head, ...rows.map(line)]);
}

