// A lineage laid out: each artifact right of all it was made from, as near to them as there is room.

export interface Link {
  from: string;
  to: string;
}

export interface Laid {
  column: number;
  row: number;
}

/** The column of each of IDS: one more than the last of those that lead to it.  A ring, which no lineage has, ends the walk. */
export function columnsOf(ids: string[], links: Link[]): Map<string, number> {
  const column = new Map(ids.map((id) => [id, 0]));
  for (let turn = 0; turn < ids.length; turn++) {
    let moved = false;
    for (const { from, to } of links) {
      if (!column.has(from) || !column.has(to)) continue;
      const least = column.get(from)! + 1;
      if (column.get(to)! < least) {
        column.set(to, least);
        moved = true;
      }
    }
    if (!moved) break;
  }
  return column;
}

/** LINKS without those that a longer way tells, too: what was made from something is not also drawn from its source. */
export function needed(links: Link[]): Link[] {
  const after = new Map<string, string[]>();
  for (const { from, to } of links) after.set(from, [...(after.get(from) ?? []), to]);
  return links.filter(({ from, to }) => {
    const open = (after.get(from) ?? []).filter((next) => next !== to);
    const seen = new Set([from, ...open]);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of after.get(at) ?? []) {
        if (next === to) return false;
        if (!seen.has(next)) {
          seen.add(next);
          open.push(next);
        }
      }
    }
    return true;
  });
}

/** Column and row of each of IDS; in a column those stand together that come from neighbours. */
export function laidOut(ids: string[], links: Link[]): Map<string, Laid> {
  const column = columnsOf(ids, links);
  const places = new Map<string, Laid>();
  const last = Math.max(0, ...column.values());
  for (let at = 0; at <= last; at++) {
    const here = ids.filter((id) => column.get(id) === at);
    const wish = new Map(here.map((id) => [id, middle(links.filter((link) => link.to === id).map((link) => places.get(link.from)?.row))]));
    here.sort((a, b) => wish.get(a)! - wish.get(b)!).forEach((id, row) => places.set(id, { column: at, row }));
  }
  return places;
}

function middle(rows: Array<number | undefined>): number {
  const known = rows.filter((row) => row !== undefined);
  return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : 0;
}
