// A topic for a page.  What was before its first message is asked for after that message: so nothing falls between the two.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { live } from './live.ts';

const PATIENCE = 150; // milliseconds; then, or while there is no connection, the page asks without, and once more when the topic begins

/** Calls HEAR with news, AGAIN where some were missed; true once it is time to ask for what was before. */
export function useTopic<T>(name: string, hear: (data: T) => void, again: () => void): boolean {
  const [ready, set] = useState(live.begun(name) || !live.coming);
  const latest = useRef({ hear, again });
  latest.current = { hear, again };
  useLayoutEffect(() => {
    let waits = !live.begun(name) && live.coming;
    set(!waits);
    const begin = () => {
      waits = false;
      set(true);
    };
    const timer = setTimeout(begin, PATIENCE);
    const stop = live.subscribe(name, (data, kind) => {
      if (kind === 'take') latest.current.hear(data as T);
      else if (waits) begin();
      else latest.current.again();
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [name]);
  return ready;
}
