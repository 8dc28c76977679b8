// What the jobs that bring projects out and in have come to: their outcome is free JSON, so it is read with care.
import type { Calls } from '../../api/schema.ts';

export type Job = Calls['GET /archive']['answer']['jobs'][number];

export interface Side {
  measured: number | null;
  interval: [number | null, number | null] | null;
  met: boolean;
}

export interface Budget {
  budget: string;
  what: string;
  asked: number;
  unit: string;
  there: Side;
  here: Side;
}

export interface Held {
  release: string;
  holds: boolean | null;
  why: string;
  budgets: Budget[];
}

/** The releases that an import has measured here. */
export function heldOf(job: Job): Held[] {
  const found = job.outcome?.['releases'];
  return Array.isArray(found) ? found as Held[] : [];
}

/** One line on what came of a job. */
export function resultOf(job: Job): string {
  if (job.error) return String(job.error['error'] ?? 'failed');
  if (!job.outcome) return '';
  if (job.kind === 'export') return String(job.outcome['file'] ?? '');
  if (job.outcome['warning']) return String(job.outcome['warning']);
  const held = heldOf(job);
  const broken = held.filter((one) => one.holds === false);
  if (broken.length) return `${broken.map((one) => one.release).join(', ')}: a budget does not hold here`;
  return held.some((one) => one.holds) ? 'every budget holds here' : 'brought in; no budget was measured';
}

/** The jobs whose budgets are worth showing, the newest first. */
export const measured = (jobs: Job[]): Job[] => jobs.filter((job) => heldOf(job).some((one) => one.budgets.length));
