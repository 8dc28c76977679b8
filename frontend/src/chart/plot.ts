// uPlot, told in our words: lines with their raw shadow and envelope, axes with titles, one cross-hair for all charts of a page.
import uPlot from 'uplot';
import { number, zone } from '../parts/format.ts';
import { colour, dashOf, faded, seriesToken } from './colours.ts';
import type { Zoom } from './keys.ts';
import { aligned, isDense, isThinned, smooth, type Line } from './points.ts';

export interface Looks {
  smoothing: number; // 0..0.99
  log: boolean;
  envelope: boolean;
  time: boolean; // x is seconds since 1970
  xTitle: string;
  yTitle: string;
  low: number | null;
  high: number | null;
}

export interface Hooks {
  zoom: Zoom;
  point: (values: Array<number | null> | null, x: number | null) => void;
  ready: (plot: uPlot) => void;
}

// What is below the ticks of a time axis: from so many seconds between them on, each one, and a line more where a year,
// day or minute begins (uPlot's words, in its order: year, month, day, hour, minute, second).
const DAY = 86_400, YEAR = '\n{D} {MMM} {YYYY}', DATE = '\n{D} {MMM}';
const TIMES: uPlot.Axis.TimeValuesConfig = [
  [365 * DAY, '{YYYY}', null, null, null, null, null, null, 1],
  [28 * DAY, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [DAY, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', YEAR, null, DATE, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', YEAR, null, DATE, null, null, null, 1],
  [0.001, '{ss}.{fff}', `${YEAR} {HH}:{mm}`, null, `${DATE} {HH}:{mm}`, null, '\n{HH}:{mm}', null, 1],
];

const PARTS = 4; // series of uPlot for each line: greatest, least, raw, drawn

/** The columns that uPlot wants: x, then PARTS for each line. */
export function columns(lines: Line[], looks: Looks): uPlot.AlignedData {
  const { x, rows } = aligned(lines);
  const safe = (value: number) => (Number.isFinite(value) && (!looks.log || value > 0) ? value : null);
  const parts = rows.flatMap((row, i) => {
    const wide = looks.envelope && isThinned(lines[i]!);
    const last = row.map((point) => point && safe(point[3]));
    return [
      row.map((point) => (point && wide ? safe(point[2]) : null)),
      row.map((point) => (point && wide ? safe(point[1]) : null)),
      looks.smoothing ? last : last.map(() => null),
      looks.smoothing ? smooth(last, looks.smoothing) : last,
    ];
  });
  return [x, ...parts] as uPlot.AlignedData;
}

export function draw(root: HTMLElement, lines: Line[], looks: Looks, hooks: Hooks, width: number, height: number): uPlot {
  const ink = colour('muted', root);
  const grid = { stroke: colour('grid', root), width: 1 };
  const font = `11px ${getComputedStyle(root).fontFamily}`;
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font, labelFont: font, labelGap: 0 };
  const options: uPlot.Options = {
    width,
    height,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    ...(zone.name && { tzDate: (seconds: number) => uPlot.tzDate(new Date(1000 * seconds), zone.name) }),
    scales: {
      x: { time: looks.time, ...(looks.low !== null && looks.high !== null && { range: [looks.low, looks.high] as [number, number] }) },
      y: looks.log ? { distr: 3 } : {},
    },
    axes: [
      { ...axis, size: 28, label: looks.xTitle, labelSize: 16, ...(looks.time && { values: TIMES }) },
      { ...axis, size: (_, values) => 14 + 6.2 * Math.max(2, ...(values ?? []).map((text) => text?.length ?? 0)), label: looks.yTitle, labelSize: 18, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : number(tick, tickDigits(ticks)))) },
    ],
    series: [{}, ...lines.flatMap((line, i) => seriesOf(line.colour ?? i, isDense(line) ? 1 : 1.75, root))],
    bands: lines.map((line, i) => ({ series: [PARTS * i + 1, PARTS * i + 2], fill: faded(colour(seriesToken(line.colour ?? i), root), 0.16) })),
    cursor: { sync: { key: looks.time ? 'times' : 'positions', setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, bind: { dblclick: () => () => (hooks.zoom(null, null), null) } },
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width < 3) return;
        const [low, high] = [plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x')];
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        hooks.zoom(low, high);
      }],
      ready: [hooks.ready],
      setCursor: [(plot) => hooks.point(...under(plot, lines.length))],
    },
  };
  return new uPlot(options, columns(lines, looks), root);
}

function seriesOf(i: number, width: number, root: HTMLElement): uPlot.Series[] {
  const stroke = colour(seriesToken(i), root);
  const dash = dashOf(i);
  const points = { show: false };
  return [
    { stroke: faded(stroke, 0.45), width: 1, points, spanGaps: true },
    { stroke: faded(stroke, 0.45), width: 1, points, spanGaps: true },
    { stroke: faded(stroke, 0.35), width: 1, points, spanGaps: true },
    { stroke, width, points: { size: 5, fill: stroke, show: (plot, n) => alone(plot, n) }, spanGaps: true, ...(dash && { dash }) },
  ];
}

/** A curve of few points shows them: one alone would be invisible. */
const alone = (plot: uPlot, n: number): boolean => (plot.data[n] ?? []).filter((value) => value !== null).length <= 24;

/** What the drawn lines are at the cross-hair, and where it is. */
function under(plot: uPlot, lines: number): [Array<number | null> | null, number | null] {
  const at = plot.cursor.idx;
  if (at === null || at === undefined || (plot.cursor.left ?? -1) < 0) return [null, null];
  const values = Array.from({ length: lines }, (_, i) => nearest(plot.data[PARTS * i + PARTS]!, at));
  return [values, plot.data[0][at] ?? null];
}

/** The last value at or before AT: lines of one chart need not have been reported together. */
function nearest(values: ArrayLike<number | null | undefined>, at: number): number | null {
  for (let i = at; i >= 0; i--) if (typeof values[i] === 'number') return values[i] as number;
  return null;
}

function tickDigits(ticks: Array<number | null>): number {
  const known = ticks.filter((tick): tick is number => tick !== null);
  const step = known.length > 1 ? Math.abs(known[1]! - known[0]!) : 0;
  const top = Math.max(...known.map(Math.abs), 0);
  return step && top ? Math.min(8, Math.max(1, Math.ceil(Math.log10(top / step) - 1e-9) + 1)) : 3;
}
