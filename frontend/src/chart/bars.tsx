// Counts as bars, the size of a word or of a card; two of them side by side where there is a version before.
import { percent } from '../parts/format.ts';

interface Props {
  counts: number[];
  before?: number[]; // drawn behind, wider and faint
  label: string; // says the same in words
  width?: number;
  height?: number;
}

export function Bars({ counts, before, label, width = 140, height = 28 }: Props) {
  const most = Math.max(...counts, ...(before ?? []), Number.MIN_VALUE);
  const step = (width - 2) / Math.max(counts.length, 1);
  const tall = (count: number) => (count > 0 ? Math.max(1.5, (count / most) * (height - 3)) : 0);
  const bar = (count: number, i: number, share: number, kind: string) => (
    <rect key={`${kind}${i}`} class={kind} x={(1 + i * step + (step * (1 - share)) / 2).toFixed(2)} y={(height - 1 - tall(count)).toFixed(2)} width={Math.max(1, step * share).toFixed(2)} height={tall(count).toFixed(2)} />
  );
  return (
    <svg class="bars" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      {before?.map((count, i) => bar(count, i, 0.94, 'was'))}
      {counts.map((count, i) => bar(count, i, before ? 0.5 : 0.82, 'is'))}
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
    </svg>
  );
}

/** A share of a whole as a bar with its number beside it. */
export function Share({ of: share, tone = '' }: { of: number; tone?: string }) {
  return (
    <span class="share">
      <svg viewBox="0 0 48 6" width="48" height="6" aria-hidden="true"><rect class="whole" width="48" height="6" rx="2" />{share > 0 && <rect class={`part ${tone}`} width={Math.max(1.5, share * 48).toFixed(2)} height="6" rx="2" />}</svg>
      <span class="figure">{percent(share)}</span>
    </span>
  );
}
