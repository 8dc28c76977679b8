// Saves the rows of a table, or what a chart is drawn of.
import { useState } from 'preact/hooks';
import { MOST } from '../api/every-row.ts';
import { toast } from '../shell/toasts.tsx';
import { rowsAsCsv } from './csv.ts';
import { download } from './download.ts';
import { number } from './format.ts';
import { Icon } from './icons.tsx';

export interface Saved {
  text: string;
  more: boolean; // there are rows beyond those
}

interface Props {
  of: string; // what is saved: the label of the table, the title of the chart
  name: string; // of the file
  rows?: object[] | undefined;
  text?: () => Promise<Saved> | string; // instead of rows: asked for when somebody wants it
  off?: boolean;
  small?: boolean; // a picture alone
}

export function Csv({ of, name, rows, text, off = !text && !rows?.length, small = false }: Props) {
  const [busy, work] = useState(false);
  const save = async () => {
    work(true);
    try {
      const made = await (text ? text() : rowsAsCsv(rows ?? []));
      const saved = typeof made === 'string' ? { text: made, more: false } : made;
      download(`${name}.csv`, new Blob([saved.text], { type: 'text/csv' }));
      if (saved.more) toast(`The first ${number(MOST)} rows are saved: narrow the filter for the others`);
    } catch (problem) {
      toast(`${of}: not saved, ${(problem as Error).message}`, 'bad');
    } finally {
      work(false);
    }
  };
  return <button type="button" class="quiet" data-saves={of} disabled={off || busy} title={`Save ${of} as CSV`} {...(small && { 'aria-label': `Save ${of} as CSV` })} onClick={() => void save()}><Icon name="save" />{!small && ' CSV'}</button>;
}
