// The five stages of a project in a row: which is done, which works, for how long.
import { seconds } from '../../parts/format.ts';
import { LOOKS } from '../../parts/state.tsx';
import { useClock } from '../../parts/times.tsx';
import type { Job, Story } from '../job.tsx';

type Step = Story['steps'][number];

export const STAGES = ['collect', 'clean', 'prepare', 'search', 'publish'];
const TITLES: Record<string, string> = { collect: 'Collect', clean: 'Clean', prepare: 'Prepare', search: 'Search', publish: 'Publish' };

/** The stage that STEP belongs to: what is no stage of its own is part of the search. */
export const stageOf = (step: string): string => (STAGES.includes(step) ? step : 'search');

export interface Stage {
  name: string;
  now: string; // what it does just now
  state: string; // of LOOKS
  seconds: number;
}

/** How far STEPS have come.  A stage is over when a later one began, or the job is. */
export function stagesOf(steps: Step[], job: string): Stage[] {
  const last = Math.max(-1, ...steps.map((step) => STAGES.indexOf(stageOf(step.step))));
  return STAGES.map((name, i) => {
    const own = steps.filter((step) => stageOf(step.step) === name);
    const spent = own.reduce((sum, step) => sum + step.seconds, 0);
    const works = own.find((step) => step.state === 'running');
    const now = works ? `${works.step} ${works.label === works.step ? '' : works.label}` : 'at work';
    return { name, now, state: i < last ? own.length ? 'finished' : 'queued' : i > last ? 'queued' : stateOf(job), seconds: spent };
  });
}

const stateOf = (job: string): string => (job === 'queued' ? 'stopped' : job);

export function Stages({ job, story }: { job: Job; story: Story }) {
  useClock(job.state === 'running' ? 1000 : null);
  return (
    <ol class="stages" aria-label="Stages">{stagesOf(story.steps, job.state).map((stage) => {
      const look = LOOKS[stage.state]!;
      return (
        <li key={stage.name} class={`${stage.state} ${look.tone}`} aria-current={stage.state === 'running' ? 'step' : undefined}>
          <span class={`shape${stage.state === 'running' ? ' going' : ''}`} aria-hidden="true">{look.shape}</span>
          <b>{TITLES[stage.name]}</b>
          <span class="small muted figure doing" title={stage.now}>{stage.state === 'queued' ? 'to come' : stage.state === 'running' ? stage.now : stage.seconds ? seconds(stage.seconds) : stage.state}</span>
        </li>
      );
    })}</ol>
  );
}
