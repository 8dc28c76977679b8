// A table's rows as text that any spreadsheet opens.
import { quoted } from '../chart/points.ts';

/** The columns are those of all rows, in the order they are first seen; what is no plain value is JSON. */
export function rowsAsCsv(rows: object[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: unknown) => quoted(typeof value === 'object' && value !== null ? JSON.stringify(value) : value);
  const lines = rows.map((row) => names.map((name) => cell((row as Record<string, unknown>)[name])).join(','));
  return [names.map(quoted).join(','), ...lines, ''].join('\r\n');
}
