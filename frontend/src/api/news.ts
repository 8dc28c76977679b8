// An answer of the API that is asked for again whenever its topic says that it is another.
import { useCell } from '../parts/cell.ts';
import { useEvery } from '../parts/every.ts';
import { useSoon } from '../parts/soon.ts';
import { useAnswer, type Answer } from './answer.ts';
import type { Ask } from './client.ts';
import { live } from './live.ts';
import type { Calls } from './schema.ts';
import { useTopic } from './topic.ts';

const ALONE = 5000; // milliseconds between questions while there is no line

/** WHAT, of which TOPIC tells; READY waits for something else, too. */
export function useNews<K extends keyof Calls>(topic: string, what: K, ask: Ask<K> = {}, ready = true): Answer<Calls[K]['answer']> {
  const soon = useSoon(() => answer.again());
  const begun = useTopic(topic, soon, soon);
  const answer = useAnswer(what, ask, begun && ready);
  useAlone(answer.again);
  return answer;
}

/** Calls ACT every few seconds while no topic can tell. */
export function useAlone(act: () => void): void {
  useEvery(useCell(live.link).state === 'lost' ? ALONE : null, act);
}
