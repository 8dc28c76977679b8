// Saves the rows of a table.
import { rowsAsCsv } from './csv.ts';
import { download } from './download.ts';
import { Icon } from './icons.tsx';

export function Csv({ name, rows }: { name: string; rows: object[] | undefined }) {
  return <button type="button" class="quiet" disabled={!rows?.length} title="Save these rows as CSV" onClick={() => download(`${name}.csv`, new Blob([rowsAsCsv(rows ?? [])], { type: 'text/csv' }))}><Icon name="save" /> CSV</button>;
}
