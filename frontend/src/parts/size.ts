import { number } from './format.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes in the largest unit of which there is at least one: 8,388,608 is 8.39 MB. */
export function size(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '–';
  const step = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3)));
  const value = bytes / 1000 ** step;
  return `${Number.isInteger(value) || step === 0 ? number(Math.round(value)) : number(value, 3)} ${UNITS[step]}`;
}
