// How many rows of a dataset could not be used: a mark, and the share in words.
import { number, percent } from './format.ts';
import { LOOKS } from './state.tsx';

export interface Quality {
  state: string;
  bad: number | null;
  share: number | null;
}

export function Mark({ of: quality }: { of: Quality }) {
  const look = LOOKS[quality.state];
  if (!look || quality.share === null) return <span class="muted">not counted</span>;
  const words = quality.bad ? `${percent(1 - quality.share)} good` : 'all good';
  return <span class={`state ${look.tone}`} title={`${number(quality.bad)} rows of all that were read could not be used`}><span class="shape" aria-hidden="true">{look.shape}</span>{words}</span>;
}
