// A measured value with the interval that it is sure to 95 % to lie in.
import { number } from './format.ts';

export interface Measured {
  value: number;
  low?: number | null;
  high?: number | null;
  n?: number | null;
}

/** "[0.712, 0.722]"; a bound that too few samples gave is a question mark. */
export function bounds({ low, high }: Measured, digits = 4): string {
  const known = (value: number | null | undefined) => (value === null || value === undefined ? '?' : number(value, digits));
  return low === undefined && high === undefined ? '' : `[${known(low)}, ${known(high)}]`;
}

export function Interval({ of, unit }: { of: Measured | null | undefined; unit?: string }) {
  if (!of) return <span class="muted">–</span>;
  const told = [`${of.value}`, bounds(of, 8), of.n ? `of ${of.n}` : ''].filter(Boolean).join(' ');
  return <span class="figure interval" title={told}>{number(of.value)}{unit && <span class="unit"> {unit}</span>} <span class="muted small">{bounds(of)}</span></span>;
}
