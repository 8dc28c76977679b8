// Values of parameters as a person reads them.
import type { Calls } from '../../api/schema.ts';
import { grouped, number } from '../../parts/format.ts';
import { size } from '../../parts/size.ts';

export type Parameter = Calls['GET /parameters']['answer']['rows'][number];
export type Change = Calls['GET /parameters/changes']['answer']['rows'][number];
type Value = Parameter['value'];

export function shown(value: Value | null, unit: string): string {
  if (value === null) return '–';
  if (typeof value === 'string') return value.toLowerCase();
  if (unit === 'bytes') return size(value);
  return unit && unit !== 'share' ? `${plain(value)} ${value === 1 ? ONE[unit] ?? unit : unit}` : plain(value);
}

/** As it was set: no digits are added, none that matter are left out. */
const plain = (value: number): string => grouped(String(Number(value.toFixed(6))));

const ONE: Record<string, string> = { processes: 'process', tries: 'try', rows: 'row', requests: 'request', connections: 'connection' };

/** What it is, as a sentence: "Seconds between looks at the catalog". */
export function story({ unit, help, choices }: Pick<Parameter, 'unit' | 'help' | 'choices'>): string {
  const text = choices.length || !unit ? help : `${WORDS[unit] ?? unit} ${help}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const WORDS: Record<string, string> = { s: 'seconds', h: 'hours' };

/** What it may be: "1 – 1,024", or its first and last choice. */
export function rangeOf({ low, high, choices, unit }: Pick<Parameter, 'low' | 'high' | 'choices' | 'unit'>): string {
  if (choices.length) return `${choices[0]!.toLowerCase()} – ${choices.at(-1)!.toLowerCase()}`;
  if (low === null || high === null) return '–';
  return unit === 'bytes' ? `${size(low)} – ${size(high)}` : `${plain(low)} – ${plain(high)}`;
}

/** What was typed, as the API takes it: a number where the parameter is one; null when it is none. */
export function valueOf(text: string, row: Pick<Parameter, 'choices' | 'low' | 'high' | 'whole'>): Value | null {
  if (row.choices.length) return row.choices.includes(text) ? text : null;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const fits = Number.isFinite(value) && (!row.whole || Number.isInteger(value));
  return fits && (row.low === null || value >= row.low) && (row.high === null || value <= row.high) ? value : null;
}

export const matches = (row: Pick<Parameter, 'name' | 'help' | 'unit'>, text: string): boolean => (
  text.toLowerCase().split(/\s+/).every((word) => `${row.name} ${row.help} ${row.unit}`.toLowerCase().includes(word)));

/** Milliseconds before and after, and the difference in per cent. */
export function compared(before: number | null | undefined, after: number | null | undefined): string {
  const told = (value: number | null | undefined) => (value === null || value === undefined ? '–' : number(value * 1000, 3));
  const share = before && after ? Math.round((after / before - 1) * 100) : null;
  return `${told(before)} → ${told(after)}${share ? ` (${share > 0 ? '+' : '−'}${Math.abs(share)} %)` : ''}`;
}
