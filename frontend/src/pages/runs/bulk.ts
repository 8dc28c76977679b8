// Runs that are stopped or go on, one or many: what was done is said in one sentence, what was not in another.
import { call, type Refusal } from '../../api/client.ts';
import { plural } from '../../parts/format.ts';
import { toast } from '../../shell/toasts.tsx';

interface Outcome {
  run: number;
  error?: string | null;
}

export const stop = (runs: number[], then: () => void): Promise<void> => call('POST /runs/stop', { body: { runs } })
  .then(({ rows }) => told(rows, 'was asked to stop', 'were asked to stop', then), failed);

export const resume = (runs: number[], then: () => void): Promise<void> => call('POST /runs/resume', { body: { runs } })
  .then(({ rows }) => told(rows, 'goes on as a job', 'go on as jobs', then), failed);

const failed = (problem: Refusal) => toast(problem.message, 'bad');

function told(rows: Outcome[], one: string, many: string, then: () => void): void {
  const done = rows.filter((row) => !row.error);
  const refused = rows.filter((row) => row.error);
  if (done.length) toast(done.length === 1 ? `Run ${done[0]!.run} ${one}` : `${plural(done.length, 'run')} ${many}`);
  if (refused.length) toast(refused.length === 1 ? refused[0]!.error! : `${plural(refused.length, 'run')} stay as they are: ${refused[0]!.error}`, 'bad');
  then();
}
