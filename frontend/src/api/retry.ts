// What failed for now is asked again after a while.
import { useEffect } from 'preact/hooks';
import { RETRY } from './answer.ts';
import type { Refusal } from './client.ts';

/** Calls ACT some time after each REFUSAL that may pass by itself. */
export function useRetry(refusal: Refusal | undefined, act: () => unknown): void {
  useEffect(() => {
    if (!refusal?.passing) return;
    const timer = setTimeout(act, RETRY);
    return () => clearTimeout(timer);
  }, [refusal]);
}
