// What the names of figures say: which belong on one chart, which is looked at first, in what unit they are.

const SPEED = /(^|_)(rows_per_s|seconds_left|rows)$/;
const MACHINE = /^machine\//;

/** What the machine of a run did; the run itself reported all others. */
export const isMachine = (name: string): boolean => MACHINE.test(name);

/** What the processes of a run did, and not what else went on there: worth being compared. */
export const isOwnUse = (name: string): boolean => /^machine\/(run|gpu)_/.test(name);

/** Figures of the machine and of speed, apart from those of quality. */
export const isSpeed = (name: string): boolean => SPEED.test(name) || isMachine(name);

/** `loss`, `valid_loss` and `train/loss` are one subject. */
export const subject = (name: string): string => name.replace(/^(train|valid|test)[_/]/, '');

/** NAMES by subject, in the order in which subjects first appear. */
export function panels(names: string[]): Array<{ title: string; names: string[] }> {
  const found = new Map<string, string[]>();
  for (const name of names) found.set(subject(name), [...(found.get(subject(name)) ?? []), name]);
  return [...found].map(([title, names]) => ({ title, names: names.sort((a, b) => a.length - b.length) }));
}

/** The figure that a run is judged by: of validation before training, a metric before a loss. */
export function keyOf(names: string[]): string | null {
  const rank = (name: string) => (isSpeed(name) ? 9 : 0) + (/^(valid|test)[_/]/.test(name) ? 0 : 2) + (/loss$/.test(name) ? 1 : 0) + (name === 'seconds_left' ? 1 : 0);
  return names.filter((name) => !isMachine(name)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0] ?? null;
}

/** Charts of the machine, a line each of what is the run's and what is everybody's. */
const CHARTS: Array<{ title: string; unit: string; lines: Record<string, string> }> = [
  { title: 'Processors', unit: '% of all cores', lines: { run_cpu_percent: 'this run', cpu_percent: 'whole machine' } },
  { title: 'Memory', unit: 'GB', lines: { run_memory_gb: 'this run', memory_gb: 'whole machine' } },
  { title: 'Disks', unit: 'MB/s', lines: { read_mb_per_s: 'read by this run', written_mb_per_s: 'written by this run' } },
  { title: 'GPUs', unit: '%', lines: { gpu_percent: 'busy' } },
  { title: 'Memory of GPUs', unit: 'GB', lines: { gpu_memory_gb: 'in use' } },
];

/** The charts for which NAMES has figures: of each its unit, and what its lines are called, by the names of figures. */
export function machineCharts(names: string[]): Array<{ title: string; unit: string; lines: Map<string, string> }> {
  return CHARTS.map(({ title, unit, lines }) => ({
    title, unit, lines: new Map(Object.entries(lines).map(([name, words]): [string, string] => [`machine/${name}`, words]).filter(([name]) => names.includes(name))),
  })).filter(({ lines }) => lines.size > 0);
}

const UNITS: Array<[RegExp, string]> = [[/rows_per_s$/, 'rows/s'], [/mb_per_s$/, 'MB/s'], [/(_s|seconds|seconds_left)$/, 's'], [/_ms$/, 'ms'], [/_mb$/, 'MB'], [/_gb$/, 'GB'], [/percent$/, '%']];

export const unitOf = (name: string): string => UNITS.find(([ending]) => ending.test(name))?.[1] ?? '';

const LOW = /(^|[_/])(loss|log_loss|error|rmse|mse|mae|mape|brier|nll|perplexity|seconds|size|bytes)($|[_/@])|_(ms|mb|s|seconds|left|loss|error)$/;
const SCORE = /(accuracy|auc|f1|precision|recall|r2|score|per_s)$/;

/** Whether less of NAME is better: losses, errors, times, sizes. */
export const lowerIsBetter = (name: string): boolean => LOW.test(name) && !SCORE.test(name);
