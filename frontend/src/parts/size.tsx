// Bytes to read; all of them on hover.
import { bytes } from './format.ts';

export function Size({ of: value }: { of: number }) {
  return <span class="figure" title={`${value.toLocaleString('en-GB')} bytes`}>{bytes(value)}</span>;
}
