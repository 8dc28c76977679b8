// Which message of a topic is next: what was heard is not heard again, what is missing is asked for.

export interface Message {
  topic: string;
  n: number;
  data?: unknown;
  reset?: boolean;
}

/** "begin": all from here on will be heard.  "take" it, "drop" it (heard before), or "ask" again, since one before it is
 * missing.  "reset": too much was missed. */
export type Verdict = 'begin' | 'take' | 'drop' | 'ask' | 'reset';

export class Topic {
  n: number | null = null; // number of the last message heard

  judge({ n, reset }: Message): Verdict {
    const last = this.n;
    if (!reset && last !== null && n <= last) return 'drop';
    if (!reset && last !== null && n > last + 1) return 'ask';
    this.n = n;
    if (reset) return 'reset';
    return last === null ? 'begin' : 'take';
  }
}

/** Milliseconds before attempt NUMBER (from 0) to connect again: soon at first, then within 2 s, spread by CHANCE in 0..1. */
export function pause(number: number, chance: number): number {
  return Math.min(250 * 2 ** number, 1500) * (0.75 + 0.5 * chance);
}
