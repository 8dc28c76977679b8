// Bytes to read; all of them on hover.
import { bytes, grouped } from './format.ts';

export function Size({ of: value }: { of: number }) {
  return <span class="figure" title={`${grouped(String(value))} bytes`}>{bytes(value)}</span>;
}
