// The points of a chart as rows, for those who read numbers or hear the page.
import { absolute, number } from '../parts/format.ts';
import { Table, type Column } from '../parts/table.tsx';
import type { Looks } from './plot.ts';
import { isThinned, type Line, type Point } from './points.ts';

interface Row {
  name: string;
  point: Point;
}

export function PointsTable({ lines, looks, title }: { lines: Line[]; looks: Looks; title: string }) {
  const rows: Row[] = lines.flatMap((line) => line.points.map((point) => ({ name: line.name, point })));
  const figure = (title: string, at: number): Column<Row> => ({ key: title, title, right: true, width: 110, cell: ({ point }) => <span title={String(point[at])}>{number(point[at])}</span> });
  const columns: Column<Row>[] = [
    ...(lines.length > 1 ? [{ key: 'curve', title: 'Curve', width: 160, cell: (row: Row) => row.name }] : []),
    { key: 'x', title: looks.xTitle, right: true, width: 150, cell: ({ point }) => (looks.time ? absolute(point[0]) : number(point[0])) },
    ...(lines.some(isThinned) ? [figure('Least', 1), figure('Greatest', 2)] : []),
    figure('Last', 3),
  ];
  return <Table label={`Points of ${title}`} columns={columns} count={rows.length} row={(i) => rows[i]} keyOf={(row) => `${row.name} ${row.point[0]}`} rowHeight={24} tall={220} />;
}
