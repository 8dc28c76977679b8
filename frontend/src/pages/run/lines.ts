// The lines of a log that a tab has: older ones come page by page, new ones as they are said.
const MOST = 100_000; // lines kept in a tab

interface Line {
  id: number;
}

/** LINES with MORE, in order and each once; as a rule MORE stands behind them, and nothing has to be sorted. */
export function joined<L extends Line>(lines: L[], more: L[]): L[] {
  const last = lines.at(-1)?.id ?? 0;
  const all = more.every((line) => line.id > last) ? [...lines, ...more]
    : [...new Map([...lines, ...more].map((line) => [line.id, line])).values()].sort((a, b) => a.id - b.id);
  return all.slice(-MOST);
}
