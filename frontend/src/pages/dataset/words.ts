// What the pages of a dataset say, made of what the API answers.
import type { Difference, Profile, Profiled, Rules } from '../../api/kinds.ts';
import { change, figured, number, plural } from '../../parts/format.ts';

/** How many rows a profile is of. */
export function looked({ total, rows, malformed, exact }: Profile): string {
  const part = exact ? `All ${plural(total, 'row')} were looked at` : `${plural(rows + malformed, 'row')} of ${number(total)}, in evenly spaced stretches, were looked at`;
  return malformed ? `${part}; ${number(malformed)} of them cannot be read.` : `${part}.`;
}

/** What is drawn, in words. */
export function shapeOf(column: Profiled, rows = 0): string {
  if (column.bins) return `${column.name}: from ${figured(column.least, column.type)} to ${figured(column.greatest, column.type)}, half of them below ${figured(column.quantiles?.['0.5'], column.type)}`;
  const first = column.values?.[0];
  if (first) return `${column.name}: most often ${first.value}, ${number(first.count)} times`;
  if (rows && column.missing === rows) return 'no value';
  if (column.size) return `${number(Math.round(column.size))} bytes each`;
  return column.distinct ? 'too many to draw' : 'no value';
}

/** How many rows came or went, and what was compared with what. */
export function summary({ rows_before: before, rows_after: after, added, exact, looked_before, looked_after }: Difference): string {
  const rows = before === after ? `${plural(after, 'row')}, as before.` : `${plural(after, 'row')}, ${change(after, before)} against ${number(before)}.`;
  const what = added ? 'All rows of before are still there; those that came since are compared with them.' : 'All rows are compared with all rows of before.';
  return `${rows} ${what}${exact ? '' : ` ${number(looked_after)} and ${number(looked_before)} rows were looked at, in evenly spaced stretches.`}`;
}

export interface Aside {
  source: string;
  reason: string;
  row: string | null;
}

export interface Parsed extends Aside {
  i: number;
  cells: Record<string, unknown> | null; // null: it was no row, only text
}

export function parsed(aside: Aside, i: number): Parsed {
  let cells: unknown = null;
  try {
    cells = JSON.parse(aside.row ?? '');
  } catch {
    // as it came: a line that could not be read, or a row that was cut short
  }
  return { ...aside, i, cells: typeof cells === 'object' && cells !== null && !Array.isArray(cells) ? cells as Record<string, unknown> : null };
}

/** The column that REASON ("age: not a number") blames, where it is one of NAMES. */
export function blamed(reason: string, names: string[]): string | null {
  return names.filter((name) => reason.startsWith(`${name}: `)).sort((a, b) => b.length - a.length)[0] ?? null;
}

/** required, at least 0, one of a, b: what a row is put aside for. */
export function rulesOf(rules: Rules): string {
  const { required, min, max, values } = rules as { required?: boolean; min?: number; max?: number; values?: string[] };
  return [required && 'required', min !== undefined && `at least ${min}`, max !== undefined && `at most ${max}`, values && `one of ${values.join(', ')}`].filter(Boolean).join('; ');
}

/** The contract as the project file writes it. */
export function tomlOf(source: string, columns: Record<string, Rules>): string {
  const key = (name: string) => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name));
  const value = (rules: Rules) => Object.entries(rules).map(([name, one]) => `${key(name)} = ${JSON.stringify(one)}`).join(', ');
  return [`[clean.contract.${key(source)}]`, ...Object.entries(columns).map(([name, rules]) => `${key(name)} = { ${value(rules)} }`), ''].join('\n');
}
