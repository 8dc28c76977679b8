// Several reasons to do something, within a moment, are one.
import { useEffect, useRef } from 'preact/hooks';

const SOON = 400; // milliseconds
export const REST = 120; // milliseconds without a key before a log is searched: the server does not stop for the next letter

/** A function that lets ACT be called soon, once however often it is called itself. */
export function useSoon(act: () => void): () => void {
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, SOON);
  };
}
