// Figures of endpoints: milliseconds that are read off between bounds, and the share of errors.
import { number } from '../../parts/format.ts';
import { share, type Endpoint } from './words.ts';

/** Two digits are all that the bounds of a server's buckets know. */
export function Ms({ value, unit }: { value: number | null; unit?: string }) {
  if (value === null) return <span class="muted">–</span>;
  return <span class="figure" title={`${value} ms, read off between the bounds of the server's buckets`}>{number(value, 2)}{unit && <span class="unit"> {unit}</span>}</span>;
}

/** The share of errors: in red, with a mark, where they are many. */
export function Errors({ of: now }: { of: Endpoint['now'] }) {
  if (now.error_share === null) return <span class="muted">–</span>;
  const many = now.error_share > 0.01;
  return <span class={`figure${many ? ' bad' : ''}`} title={`${now.faults} of ${now.answers} answers; ${now.refused} more were mistakes of callers`}>{many && <span aria-hidden="true">✕ </span>}{share(now.error_share)}</span>;
}
