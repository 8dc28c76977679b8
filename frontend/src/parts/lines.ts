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
