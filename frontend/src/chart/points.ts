// Curves as numbers: a point stands for all that was reported up to x since the point before it.

import { linesAsCsv } from '../parts/csv.ts';

export type Point = [x: number, min: number, max: number, last: number];

export interface Line {
  name: string;
  points: Point[];
  count: number; // of reports that the points stand for
  time?: boolean; // x is seconds since 1970
  colour?: number; // of the series; its place in the list where nobody says
}

/** At most MOST points: neighbours become one that keeps the least, the greatest and the last of them, so no spike is lost. */
export function thin(points: Point[], most: number): Point[] {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, i) => {
    const from = Math.floor((i * points.length) / most);
    const to = Math.floor(((i + 1) * points.length) / most);
    return together(points, from, to);
  });
}

function together(points: Point[], from: number, to: number): Point {
  let [, min, max] = points[from]!;
  for (let i = from + 1; i < to; i++) {
    min = Math.min(min, points[i]![1]);
    max = Math.max(max, points[i]![2]);
  }
  const [x, , , last] = points[to - 1]!;
  return [x, min, max, last];
}

/** Exponential mean of VALUES with WEIGHT (0 none .. 0.99 much) of what was before, without its bias to the start (as TensorBoard). */
export function smooth(values: Array<number | null>, weight: number): Array<number | null> {
  let mean = 0;
  let seen = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    mean = mean * weight + (1 - weight) * value;
    seen += 1;
    return mean / (1 - weight ** seen);
  });
}

/** LINES on one axis: every x of any line, in order, and for each line its point there or null. */
export function aligned(lines: Line[]): { x: number[]; rows: Array<Array<Point | null>> } {
  if (lines.length === 1) return { x: lines[0]!.points.map((point) => point[0]), rows: [lines[0]!.points] };
  const x = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))].sort((a, b) => a - b);
  const at = new Map(x.map((value, i) => [value, i]));
  const rows = lines.map((line) => {
    const row: Array<Point | null> = new Array(x.length).fill(null);
    for (const point of line.points) row[at.get(point[0])!] = point;
    return row;
  });
  return { x, rows };
}

/** Whether a point of the line stands for several reports. */
export const isThinned = (line: Line): boolean => line.count > line.points.length;

const DENSE = 300; // points

/** Whether it has a point every few pixels: as wide as others it would be a blot, and take twenty times as long to draw without a graphics card. */
export const isDense = (line: Line): boolean => line.points.length > DENSE;

export function csv(lines: Line[], x: string): string {
  return linesAsCsv([['curve', x, 'min', 'max', 'last'], ...lines.flatMap((line) => line.points.map((point) => [line.name, ...point]))]);
}
