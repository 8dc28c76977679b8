// A curve the size of a word.
import type { Point } from './points.ts';

const WIDTH = 120;
const HEIGHT = 24;

export function Spark({ points, label }: { points: Point[]; label: string }) {
  const known = points.filter((point) => Number.isFinite(point[3]));
  if (known.length < 2) return <span class="spark" />;
  const [first, end] = [known[0]![0], known.at(-1)![0]];
  const least = Math.min(...known.map((point) => point[3]));
  const span = Math.max(...known.map((point) => point[3])) - least || 1;
  const at = ([x, , , y]: Point): [number, number] => [2 + ((x - first) / (end - first || 1)) * (WIDTH - 6), HEIGHT - 3 - ((y - least) / span) * (HEIGHT - 6)];
  const [x, y] = at(known.at(-1)!);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <polyline points={known.map((point) => at(point).map((value) => value.toFixed(1)).join(',')).join(' ')} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
      <circle cx={x} cy={y} r="2.2" fill="currentColor" />
    </svg>
  );
}
