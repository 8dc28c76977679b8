// A number: 4 digits to read, all of them on hover.
import { number } from './format.ts';

export function Figure({ value, unit }: { value: number | null | undefined; unit?: string }) {
  if (value === null || value === undefined) return <span class="muted">–</span>;
  return <span class="figure" title={String(value)}>{number(value)}{unit && <span class="unit"> {unit}</span>}</span>;
}
