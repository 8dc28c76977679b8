// The whole table as CSV, a run a line, also what is the same.
import { linesAsCsv } from '../../parts/csv.ts';
import { settingsOf, summed, type Compared, type Way } from './rows.ts';

export function csvOf(runs: Compared[], figures: string[], way: Way): string {
  const { different, same } = settingsOf(runs);
  const settings = [...different, ...same];
  const head = ['run', 'label', 'step', 'state', 'started', 'seconds', 'memory_gb', ...figures.map((name) => `${name} ${way}`), ...settings.map(({ name }) => name)];
  const line = (run: Compared, i: number) => [run.id, run.label, run.step, run.state, run.started, run.seconds, run.memory_gb, ...figures.map((name) => summed(name, run.figures[name], way)?.value), ...settings.map(({ values }) => values[i])];
  return linesAsCsv([head, ...runs.map(line)]);
}
