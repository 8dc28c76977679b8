// The lines of a log that a tab has: older ones come page by page, new ones as they are said.
export const FIRST = 500; // lines that are asked for at first: a screen has forty
export const PAGE = 5000;
export const MOST = 100_000; // lines kept in a tab

interface Line {
  id: number;
}

/** LINES with MORE, in order and each once; as a rule MORE stands behind or before them, and nothing has to be sorted. */
export function joined<L extends Line>(lines: L[], more: L[]): L[] {
  const [first, last] = [lines[0]?.id ?? 0, lines.at(-1)?.id ?? 0];
  const all = more.every((line) => line.id > last) ? [...lines, ...more]
    : more.every((line) => line.id < first) ? [...more, ...lines]
    : [...new Map([...lines, ...more].map((line) => [line.id, line])).values()].sort((a, b) => a.id - b.id);
  return all.slice(-MOST);
}

/** By how many lines what is in both is further down in NOW than it was in BEFORE: some came above it, or were cut off. */
export function risen<L extends { id: number | string }>(before: L[], now: L[]): number {
  const [old, first] = [before[0]?.id, now[0]?.id];
  if (old === first) return 0;
  const came = now.findIndex((line) => line.id === old);
  return came >= 0 ? came : Math.min(0, -before.findIndex((line) => line.id === first));
}
