// Rows as text that any spreadsheet opens.  What is said here is for people: datasets are exported as they are.

/** The columns are those of all rows, in the order they are first seen; what is no plain value is JSON. */
export function rowsAsCsv(rows: object[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return linesAsCsv([names, ...rows.map((row) => names.map((name) => (row as Record<string, unknown>)[name]))]);
}

/** The first line is the head. */
export function linesAsCsv(lines: unknown[][]): string {
  return [...lines.map((cells) => cells.map((value) => quoted(typeof value === 'object' && value !== null ? JSON.stringify(value) : value)).join(',')), ''].join('\r\n');
}

/** A cell.  A text that a spreadsheet would take for a formula is kept from being one; one that is a number stays. */
export function quoted(value: unknown): string {
  let text = value === null || value === undefined ? '' : String(value);
  if (typeof value === 'string' && FORMULA.test(text) && !NUMBER.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const FORMULA = /^[=+\-@\t\r\n]/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
