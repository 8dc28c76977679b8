// Every table of a page as one file that a spreadsheet opens: what it shows, with whole numbers and moments where they are known.
import { linesAsCsv } from '../parts/csv.ts';
import { download } from '../parts/download.ts';
import { toast } from './toasts.tsx';

/** Tables that draw only the rows in view have a button of their own, which knows the others. */
export function saveTables(): void {
  const tables = [...document.querySelectorAll<HTMLTableElement>('main table')].filter(isWhole);
  if (!tables.length) return toast('There is no table on this page that is drawn as a whole');
  const title = document.querySelector('main h1')?.textContent?.trim() || 'page';
  download(`${title}.csv`, new Blob([tables.map((table) => linesAsCsv(rowsOf(table))).join('\r\n')], { type: 'text/csv' }));
  toast(tables.length > 1 ? `${tables.length} tables are saved as one file` : 'The table is saved');
}

function isWhole(table: HTMLTableElement): boolean {
  const all = table.getAttribute('aria-rowcount');
  return all === null || table.rows.length >= Number(all);
}

/** Its rows without the columns that only hold buttons. */
function rowsOf(table: HTMLTableElement): string[][] {
  const head = table.tHead?.rows[0];
  const deeds = new Set([...(head?.cells ?? [])].flatMap((cell, i) => (cell.querySelector('.unseen') && cell.textContent !== '' ? [i] : [])));
  return [...table.rows].map((row) => [...row.cells].filter((_, i) => !(deeds.has(i) && row.cells.length === head?.cells.length)).map(textOf));
}

function textOf(cell: HTMLTableCellElement): string {
  const time = cell.querySelector('time');
  if (time && cell.textContent?.trim() === time.textContent?.trim()) return time.dateTime;
  const exact = cell.querySelector<HTMLElement>('[title]');
  if (exact && exact.title !== '' && Number.isFinite(Number(exact.title)) && cell.textContent === exact.textContent) return exact.title;
  return (cell.textContent ?? '').replace(/\s+/g, ' ').trim();
}
