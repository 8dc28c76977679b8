// All rows of a list that is answered page by page, for those who save it; bounded, so that a tab stays alive.
import { call, type Ask } from './client.ts';
import type { Listing, RowOf } from './paged.ts';

export const MOST = 10_000; // rows that are saved

export interface Every<R> {
  rows: R[];
  more: boolean; // there are more than were fetched
}

/** The first MOST rows of WHAT for ASK, from its first page on; PLACE is the parameter that takes `next`. */
export async function everyRow<K extends Listing>(what: K, ask: Ask<K>, place = 'after', most = MOST): Promise<Every<RowOf<K>>> {
  const rows: Array<RowOf<K>> = [];
  let next: string | number | null = null;
  do {
    const query = { ...(ask as { query?: object }).query, ...(next !== null && { [place]: next }) };
    const page = (await call(what, { ...ask, query } as Ask<K>)) as unknown as { rows: Array<RowOf<K>>; next: string | number | null };
    rows.push(...page.rows);
    next = page.next;
  } while (next !== null && rows.length < most);
  return { rows: rows.slice(0, most), more: next !== null || rows.length > most };
}
