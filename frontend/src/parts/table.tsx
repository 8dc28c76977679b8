// A dense table of any length: only rows in view are drawn, the head stays, columns sort.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { windowOf } from './window.ts';

export interface Column<T> {
  key: string;
  title: string;
  head?: ComponentChildren; // instead of the title
  width?: number; // pixels; without one it takes what is left
  right?: boolean;
  sorts?: boolean;
  cell: (row: T) => ComponentChildren;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  count: number;
  row: (i: number) => T | undefined; // undefined: not here yet
  keyOf: (row: T) => string | number;
  rowHeight: number;
  tall?: number; // pixels; without them it fills what it is in
  sort?: string; // key, or -key for the greatest first
  onSort?: (sort: string) => void;
  onSeen?: (from: number, to: number) => void;
  classOf?: (row: T) => string;
}

export function Table<T>({ label, columns, count, row, keyOf, rowHeight, tall, sort, onSort, onSeen, classOf }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [at, move] = useState({ scrolled: 0, height: tall ?? 600 });
  useLayoutEffect(() => {
    const root = box.current!;
    const watch = new ResizeObserver(() => move((at) => ({ ...at, height: root.clientHeight })));
    watch.observe(root);
    return () => watch.disconnect();
  }, []);
  useEffect(() => void (box.current!.scrollTop = 0), [sort]);
  const { from, to } = windowOf(at.scrolled, at.height, rowHeight, count);
  useEffect(() => onSeen?.(from, to), [from, to, count]);
  const shown = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const least = columns.reduce((sum, column) => sum + (column.width ?? 180), 0);
  return (
    <div class="table" ref={box} tabIndex={0} role="region" aria-label={label} style={tall ? { height: `${tall}px` } : {}}
      onScroll={(event) => move({ scrolled: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}>
      <table aria-rowcount={count + 1} aria-label={label} style={{ minWidth: `${least}px` }}>
        <colgroup>{columns.map((column) => <col key={column.key} style={column.width ? { width: `${column.width}px` } : {}} />)}</colgroup>
        <thead><tr aria-rowindex={1}>{columns.map((column) => <Head key={column.key} column={column} sort={sort} onSort={onSort} />)}</tr></thead>
        <tbody>
          {from > 0 && <tr aria-hidden="true" class="gap"><td colSpan={columns.length} style={{ height: `${from * rowHeight}px` }} /></tr>}
          {shown.map((i) => {
            const one = row(i);
            return (
              <tr key={one ? keyOf(one) : `row ${i}`} aria-rowindex={i + 2} style={{ height: `${rowHeight}px` }} class={one ? classOf?.(one) ?? '' : 'coming'}>
                {columns.map((column) => <td key={column.key} class={column.right ? 'right' : ''}>{one ? column.cell(one) : <i class="bar" />}</td>)}
              </tr>
            );
          })}
          {to < count && <tr aria-hidden="true" class="gap"><td colSpan={columns.length} style={{ height: `${(count - to) * rowHeight}px` }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}

function Head<T>({ column, sort, onSort }: { column: Column<T>; sort: string | undefined; onSort: ((sort: string) => void) | undefined }) {
  const up = sort === column.key;
  const down = sort === `-${column.key}`;
  const order = up ? 'ascending' : down ? 'descending' : undefined;
  const style = column.right ? 'right' : '';
  if (!column.sorts || !onSort) return <th scope="col" class={style} title={column.title}>{column.head ?? column.title}</th>;
  return (
    <th scope="col" class={style} aria-sort={order}>
      <button type="button" title={`Sort by ${column.title}`} onClick={() => onSort(down ? column.key : `-${column.key}`)}>
        {column.title}{order && <span class="order" aria-hidden="true">{up ? '↑' : '↓'}</span>}
      </button>
    </th>
  );
}
