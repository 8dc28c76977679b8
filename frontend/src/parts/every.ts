// Looks that go on by themselves while the tab is seen and live figures are not paused.
import { useEffect, useRef } from 'preact/hooks';
import { live } from '../api/live.ts';

/** Calls ACT each MILLISECONDS; null: not at all. */
export function useEvery(milliseconds: number | null, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (milliseconds === null) return;
    const timer = setInterval(() => document.hidden || live.link.value.state === 'paused' || latest.current(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}
