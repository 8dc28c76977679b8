// Runs side by side as rows of a table: only what differs, and each figure as the reader wants it summed up.
import type { Calls } from '../../api/schema.ts';
import { lowerIsBetter } from '../../chart/names.ts';
import { flat } from '../../parts/flat.ts';

export type Compared = Calls['GET /compare']['answer']['runs'][number];
export type Summary = Compared['figures'][string];

/** How a figure is summed up: its best value is the least of a loss, the greatest of a score. */
export const WAYS = ['best', 'last', 'least', 'greatest'] as const;
export type Way = (typeof WAYS)[number];

export interface Setting {
  name: string;
  values: Array<string | undefined>; // of each run; undefined: it was not told so
}

/** The runs in TEXT ("5,,7") by their places, which give them their colours: a run that was taken out leaves its place empty. */
export function placesOf(text: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const [place, word] of text.split(',').entries()) if (/^\d{1,15}$/.test(word) && !found.has(Number(word))) found.set(Number(word), place);
  return found;
}

export const without = (text: string, run: number): string => text.split(',').map((word) => (Number(word) === run ? '' : word)).join(',').replace(/,+$/, '');

const HIDDEN = /(^|\.)revision$/; // goes with what it is the revision of

/** All that RUNS were told: step, settings, inputs, seed; those in which they differ first, and how many are the same. */
export function settingsOf(runs: Compared[]): { different: Setting[]; same: Setting[] } {
  const told = runs.map((run) => new Map([['step', run.task.step], ...flat(run.task.settings), ...flat(run.task.inputs, 'input'), ['seed', String(run.task.seed)]] as Array<[string, string]>));
  const names = [...new Set(told.flatMap((one) => [...one.keys()]))].filter((name) => !HIDDEN.test(name) && name !== 'input');
  const rows = names.map((name) => ({ name, values: told.map((one) => one.get(name)) }));
  const differs = ({ values }: Setting) => values.some((value) => value !== values[0]);
  return { different: rows.filter(differs), same: rows.filter((row) => !differs(row)) };
}

/** Names of the figures that any of RUNS has: those that more of them have first. */
export function figuresOf(runs: Compared[]): string[] {
  const count = new Map<string, number>();
  for (const run of runs) for (const name of Object.keys(run.figures)) count.set(name, (count.get(name) ?? 0) + 1);
  return [...count].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([name]) => name);
}

/** What figure NAME came to, and where. */
export function summed(name: string, figure: Summary | undefined, way: Way): { value: number; at: number | null } | null {
  if (!figure) return null;
  const kind = way !== 'best' ? way : lowerIsBetter(name) ? 'least' : 'greatest';
  if (kind === 'last') return { value: figure.value, at: figure.at ?? null };
  return kind === 'least' ? { value: figure.least, at: figure.least_at ?? null } : { value: figure.greatest, at: figure.greatest_at ?? null };
}

/** Whether VALUE is better than BASE, by how much; null where there is nothing to compare. */
export function against(name: string, value: number | undefined, base: number | undefined): { by: number; better: boolean } | null {
  if (value === undefined || base === undefined || value === base) return null;
  return { by: value - base, better: value < base === lowerIsBetter(name) };
}

/** The place of the best of VALUES of figure NAME; -1 where fewer than two have one, or all are alike. */
export function bestOf(name: string, values: Array<number | undefined>): number {
  const known = values.filter((value): value is number => value !== undefined);
  if (known.length < 2 || known.every((value) => value === known[0])) return -1;
  return values.indexOf(lowerIsBetter(name) ? Math.min(...known) : Math.max(...known));
}
