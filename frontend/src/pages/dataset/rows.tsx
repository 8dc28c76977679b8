// The rows themselves, any number of them: those in view are fetched.
import { useEffect } from 'preact/hooks';
import { everyCells, useCells, type Cells } from '../../api/cells.ts';
import { Csv } from '../../parts/csv-button.tsx';
import { linesAsCsv } from '../../parts/csv.ts';
import { number, plural } from '../../parts/format.ts';
import { useQuery } from '../../parts/place.ts';
import { Empty, Failed, Forbidden, Loading } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';

const WIDEST = 100; // columns in one answer, as the server has it

type Row = { i: number; cells: unknown[] };

export function Rows({ digest, tall = 620 }: { digest: string; tall?: number }) {
  const [from, start] = useQuery('first');
  const first = /^\d{1,6}$/.test(from) ? Number(from) : 0;
  const { head, refusal, need, row, again } = useCells(digest, first);
  useEffect(() => {
    if (refusal && first > 0 && refusal.status === 422) start(''); // a link from a wider version
  }, [refusal]);
  if (refusal?.status === 403) return <Forbidden refusal={refusal} what="The rows" />;
  if (refusal && !head) return <Failed refusal={refusal} what="The rows" again={again} />;
  if (!head) return <Loading lines={12} what="Loading rows" />;
  if (!head.total) return <Empty title="There is no row" />;
  const pictures = head.columns.some((column) => column.type === 'image');
  const shown = (i: number): Row | undefined => {
    const cells = row(i);
    return cells && { i, cells };
  };
  return (
    <div>
      <div class="bar">
        <span class="muted" role="status">{plural(head.total, 'row')}, {head.width > WIDEST ? `columns ${number(first + 1)} to ${number(first + head.columns.length)} of ${number(head.width)}` : plural(head.width, 'column')}</span>
        {head.width > WIDEST && (
          <span class="row">
            <button type="button" disabled={first === 0} onClick={() => start(String(Math.max(0, first - WIDEST) || ''))}>Columns before</button>
            <button type="button" disabled={first + WIDEST >= head.width} onClick={() => start(String(first + WIDEST))}>Columns after</button>
          </span>
        )}
        <span class="space" />
        <Csv of="Rows" name={`rows-${digest.slice(0, 10)}`} text={() => everyCells(digest, first).then(({ rows, more }) => ({ text: linesAsCsv([head.columns.map((column) => column.name), ...rows]), more }))} />
      </div>
      <Table label="Rows" columns={columnsOf(head)} count={head.total} row={shown} keyOf={(one) => one.i} rowHeight={pictures ? 72 : 28} tall={tall} onSeen={need} />
    </div>
  );
}

const NUMBERS = ['integer', 'number', 'int64', 'double', 'float'];

const isNumber = (type: string): boolean => NUMBERS.some((one) => type.startsWith(one));

function columnsOf(head: Cells): Column<Row>[] {
  const widths = head.columns.map((column, at) => widthOf(column.name, head, at));
  const texts = head.columns.flatMap((column, at) => (isNumber(column.type) ? [] : [at]));
  const widest = texts.reduce((best, at) => (widths[at]! > widths[best]! ? at : best), texts[0] ?? widths.length - 1);
  const data = head.columns.map((column, at): Column<Row> => {
    const right = isNumber(column.type);
    return { key: `c${at}`, title: column.name, width: widths[at]!, right, cell: ({ cells }) => <Cell value={cells[at]} /> };
  });
  delete data[widest]!.width; // it takes what is left
  return [{ key: 'number', title: '#', width: 76, right: true, cell: ({ i }) => <span class="muted">{number(i + 1)}</span> }, ...data];
}

/** As wide as what is seen first, within reason. */
export function widthOf(name: string, head: Cells, at: number): number {
  const letters = Math.max(name.length, ...head.rows.slice(0, 50).map((cells) => (typeof cells[at] === 'object' && cells[at] !== null ? 8 : String(cells[at] ?? '').length)));
  return Math.min(320, Math.max(72, Math.round(letters * 7.2) + 24));
}

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span class="muted">–</span>;
  if (typeof value === 'object') return <Odd of={value as { picture?: string; bytes?: number }} />;
  const text = String(value);
  return <span title={text.length > 30 ? text : undefined}>{text === '' ? <i class="muted">empty</i> : text}</span>;
}

function Odd({ of: { picture, bytes } }: { of: { picture?: string; bytes?: number } }) {
  return picture?.startsWith('data:image/png;base64,') ? <img class="pixels" src={picture} alt="" /> : <span class="muted">{number(bytes ?? 0)} bytes</span>;
}
