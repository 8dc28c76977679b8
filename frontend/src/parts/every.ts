// Looks that go on by themselves while the tab is seen and live figures are not paused.
import { useEffect, useRef } from 'preact/hooks';
import { live } from '../api/live.ts';

export function useEvery(milliseconds: number, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || live.link.value.state === 'paused' || latest.current(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}
