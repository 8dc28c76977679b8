// Colours for canvases.  A token holds light-dark(), which a canvas cannot read: the computed colour of an element can.

const SERIES = 8;

export function colour(token: string, within: Element = document.body): string {
  const probe = document.createElement('i');
  probe.style.color = `var(--${token})`;
  probe.hidden = true;
  within.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** The token of line NUMBER; beyond eight they begin again, and are told apart by dashes. */
export const seriesToken = (number: number): string => `series-${(number % SERIES) + 1}`;
export const dashOf = (number: number): number[] | undefined => (number >= SERIES ? [6, 3] : undefined);

export function faded(rgb: string, alpha: number): string {
  const parts = rgb.match(/[\d.]+/g) ?? ['0', '0', '0'];
  return `rgba(${parts.slice(0, 3).join(',')},${alpha})`;
}
