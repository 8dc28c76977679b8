// Marks with intervals on two axes, and the budgets as lines: what is better stands where the corner says.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Csv } from '../parts/csv-button.tsx';
import { number } from '../parts/format.ts';
import { apart, axisOf, share, ticks } from './scatter.ts';

export interface Mark {
  name: string;
  x: number;
  y: number;
  low?: number | null | undefined; // of y
  high?: number | null | undefined;
  tone: 'good' | 'warning' | 'muted';
  told: string; // for those who hear it, and on hover
  strong?: boolean;
}

interface Props {
  title: string;
  marks: Mark[];
  xTitle: string;
  yTitle: string;
  xLimit?: number | undefined; // a budget
  yLimit?: number | undefined;
  better: string; // which corner is good, in words
}

const HEIGHT = 320, LEFT = 64, RIGHT = 24, TOP = 18, BOTTOM = 44; // pixels
const LETTER = 6.4, LONGEST = 40;
const tidy = (tick: number): string => (Math.abs(tick) >= 1e-4 && Math.abs(tick) < 1e4 ? String(tick) : number(tick, 3));

export function Scatter({ title, marks, xTitle, yTitle, xLimit, yLimit, better }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [width, measure] = useState(720);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => measure(Math.max(320, box.current!.clientWidth)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const near = (limit: number | undefined, values: number[]) => (limit !== undefined && limit <= 3 * Math.max(...values) ? [limit] : []);
  const xs = axisOf([...marks.map((mark) => mark.x), ...near(xLimit, marks.map((mark) => mark.x))]);
  const ys = axisOf([...marks.flatMap((mark) => [mark.y, mark.low ?? mark.y, mark.high ?? mark.y]), ...(yLimit === undefined ? [] : [yLimit])], false);
  const x = (value: number) => LEFT + share(value, xs) * (width - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - share(value, ys) * (HEIGHT - TOP - BOTTOM);
  const labels = marks.map((mark) => ({ x: x(mark.x) + 9, y: y(mark.y), width: brief(mark.name).length * LETTER }));
  const rows = apart(labels.map((label) => ({ ...label, x: flipped(label, width) ? label.x - 18 - label.width : label.x })), 14);
  return (
    <div class="scatter" ref={box} aria-label={title} role="group">
      <Csv of={title} name={`${title}-${xTitle}`} rows={marks.map((mark) => ({ name: mark.name, [xTitle]: mark.x, [yTitle]: mark.y, low: mark.low, high: mark.high, said: mark.told }))} small />
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} role="img" aria-label={`${title}: ${yTitle} over ${xTitle}. ${marks.map((mark) => mark.told).join('; ')}`}>
        <g class="grid">
          {ticks(xs).map((tick) => <line key={`x${tick}`} x1={x(tick)} x2={x(tick)} y1={TOP} y2={HEIGHT - BOTTOM} />)}
          {ticks(ys).map((tick) => <line key={`y${tick}`} x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />)}
        </g>
        <g class="axis">
          {ticks(xs).map((tick) => <text key={tick} x={x(tick)} y={HEIGHT - BOTTOM + 16} text-anchor="middle">{tidy(tick)}</text>)}
          {ticks(ys).map((tick) => <text key={tick} x={LEFT - 8} y={y(tick) + 4} text-anchor="end">{tidy(tick)}</text>)}
          <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 8} text-anchor="middle">{xTitle}</text>
          <text transform={`translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`} text-anchor="middle">{yTitle}</text>
          <text x={width - RIGHT} y={12} text-anchor="end">{better}</text>
        </g>
        <g class="limits">
          {xLimit !== undefined && near(xLimit, marks.map((mark) => mark.x)).length > 0 && <line x1={x(xLimit)} x2={x(xLimit)} y1={TOP} y2={HEIGHT - BOTTOM} />}
          {yLimit !== undefined && <line x1={LEFT} x2={width - RIGHT} y1={y(yLimit)} y2={y(yLimit)} />}
        </g>
        {marks.map((mark, i) => (
          <g key={mark.name} class={`mark ${mark.tone}${mark.strong ? ' strong' : ''}`}>
            <title>{mark.told}</title>
            {typeof mark.low === 'number' && typeof mark.high === 'number' && <line x1={x(mark.x)} x2={x(mark.x)} y1={y(mark.low)} y2={y(mark.high)} />}
            <circle cx={x(mark.x)} cy={y(mark.y)} r={mark.strong ? 6 : 4.5} />
            <text x={x(mark.x) + (flipped(labels[i]!, width) ? -9 : 9)} y={rows[i]! + 4} text-anchor={flipped(labels[i]!, width) ? 'end' : 'start'}>{brief(mark.name)}</text>
          </g>
        ))}
      </svg>
    </div>
  );
}

const brief = (name: string): string => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

const flipped = (label: { x: number; width: number }, width: number): boolean => label.x + label.width > width - RIGHT + 16;
