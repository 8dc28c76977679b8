// Who answers: a bar of shares, and the same in words.
import { seriesToken } from '../../chart/colours.ts';
import { share } from './words.ts';

/** Versions keep their colour on every page: by their number. */
export const colourOf = (version: string): number => (Number(version) || 1) - 1;
export const tokenOf = (version: string): string => seriesToken(colourOf(version));

export function Split({ shares, stable, wide = false }: { shares: Record<string, number>; stable: string; wide?: boolean }) {
  const parts = Object.entries(shares).filter(([, part]) => part > 0).sort(([a], [b]) => Number(b === stable) - Number(a === stable) || a.localeCompare(b, 'en', { numeric: true }));
  if (!parts.length) return <span class="muted">nobody answers</span>;
  let at = 0;
  return (
    <span class={`split${wide ? ' wide' : ''}`}>
      <svg width="100%" height={wide ? 12 : 6} aria-hidden="true">
        {parts.map(([version, part]) => {
          const x = at;
          at += part;
          return <rect key={version} class={tokenOf(version)} x={`${100 * x}%`} width={`${Math.max(0.5, 100 * part)}%`} height="100%" fill="currentColor" />;
        })}
      </svg>
      <span class="shares">{parts.map(([version, part]) => <span key={version}><i class={`key ${tokenOf(version)}`} aria-hidden="true" />v{version} <b class="figure">{share(part)}</b></span>)}</span>
    </span>
  );
}
