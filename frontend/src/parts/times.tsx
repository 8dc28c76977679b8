// Moments and spans: relative in the text, absolute on hover; they go on by themselves.
import { useEffect, useState } from 'preact/hooks';
import { absolute, ago, milliseconds, seconds } from './format.ts';

/** Draws the part again each EVERY milliseconds while the tab is seen. */
export function useClock(every: number | null): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (every === null) return;
    const timer = setInterval(() => document.hidden || tick((n) => n + 1), every);
    return () => clearInterval(timer);
  }, [every]);
}

export function Ago({ at }: { at: string | number | null | undefined }) {
  useClock(10_000);
  const moment = milliseconds(at);
  if (Number.isNaN(moment)) return <span class="muted">–</span>;
  return <time dateTime={new Date(moment).toISOString()} title={absolute(at)}>{ago(at)}</time>;
}

/** How long it took, or takes by now. */
export function Span({ from, to, took }: { from: string; to: string | null; took: number | null }) {
  const going = to === null;
  useClock(going ? 1000 : null);
  const value = going ? (Date.now() - milliseconds(from)) / 1000 : took ?? (milliseconds(to) - milliseconds(from)) / 1000;
  return <span title={`${value.toFixed(3)} s`}>{seconds(going ? Math.max(0, Math.floor(value)) : value)}</span>;
}
