// Where marks and lines of a scatter plot stand: pure numbers, drawn elsewhere.

export interface Axis {
  low: number;
  high: number;
  log: boolean;
}

const ROOM = 0.06; // of the span, beyond the outermost marks

/** An axis that holds VALUES with room around them; logarithmic where they span more than a decade and none is 0. */
export function axisOf(values: number[], logs = true): Axis {
  const known = values.filter(Number.isFinite);
  if (!known.length) return { low: 0, high: 1, log: false };
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (logs && least > 0 && most / least > 10) {
    const room = (most / least) ** ROOM;
    return { low: least / room, high: most * room, log: true };
  }
  const room = (most - least) * ROOM || Math.abs(most) * ROOM || 1;
  return { low: logs && least >= 0 ? Math.max(0, least - room) : least - room, high: most + room, log: false };
}

/** Where VALUE stands on AXIS: 0 at its low end, 1 at its high one. */
export function share(value: number, { low, high, log }: Axis): number {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** Some 4 to 7 round numbers on AXIS. */
export function ticks({ low, high, log }: Axis): number[] {
  if (log) {
    const first = Math.floor(Math.log10(low));
    const decades = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
    const found = decades.flatMap((ten) => [ten, 2 * ten, 5 * ten]).filter((tick) => tick >= low && tick <= high);
    return found.length > 7 ? decades.filter((tick) => tick >= low && tick <= high) : found;
  }
  const rough = (high - low) / 5;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * ten).find((step) => step >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Rows of labels that would stand on each other: each is moved down until it is free.  Y and HEIGHT in pixels. */
export function apart(labels: Array<{ x: number; y: number; width: number }>, height: number): number[] {
  const placed: Array<{ x: number; y: number; width: number }> = [];
  const order = labels.map((_, i) => i).sort((a, b) => labels[a]!.y - labels[b]!.y);
  const found: number[] = new Array(labels.length);
  for (const i of order) {
    const label = { ...labels[i]! };
    for (let tries = 0; tries < labels.length; tries++) {
      const over = placed.find((one) => Math.abs(one.y - label.y) < height && one.x < label.x + label.width && label.x < one.x + one.width);
      if (!over) break;
      label.y = over.y + height;
    }
    placed.push(label);
    found[i] = label.y;
  }
  return found;
}
