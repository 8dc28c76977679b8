// Which rows of a long list are drawn: those in view and a few around them.

export interface Window {
  from: number;
  to: number; // the first row that is not drawn
}

export function windowOf(scrolled: number, tall: number, rowHeight: number, count: number, around = 8): Window {
  const first = Math.floor(Math.max(0, scrolled) / rowHeight);
  const from = Math.max(0, Math.min(first, count) - around);
  return { from, to: Math.min(count, first + Math.ceil(tall / rowHeight) + around) };
}
