// What is done to an endpoint, in words, and what can be done to it.
import type { Calls } from '../../api/schema.ts';
import { number, plural, seconds } from '../../parts/format.ts';

export type Endpoint = Calls['GET /endpoints']['answer']['rows'][number];
export type WholeEndpoint = Calls['GET /endpoints/{name}']['answer'];
export type Act = NonNullable<Calls['POST /endpoints/{name}/act']['body']>;
export type Effect = Calls['POST /endpoints/{name}/preview']['answer'];

type Served = Pick<Endpoint, 'name' | 'shares' | 'stable' | 'canary' | 'before' | 'versions'>;

/** The version that a roll back leads to; null where there is none. */
export const backTo = ({ canary, stable, before }: Pick<Served, 'canary' | 'stable' | 'before'>): string | null => (canary ? stable : before ?? null);

/** The newest version where nobody gets its answers and nothing is known against it. */
export function newest({ versions }: Pick<Served, 'versions'>): string | null {
  const [first] = versions;
  return first && !first.share && first.state !== 'refused' && versions.some((one) => one.share) ? first.version : null;
}

export const share = (part: number): string => `${Math.round(1000 * part) / 10} %`;

/** How the requests are shared: "v2 90 %, v3 10 %", the one that was there first at the front. */
export function split(shares: Record<string, number>, stable: string): string {
  const parts = Object.entries(shares).filter(([, part]) => part > 0).sort(([a], [b]) => Number(b === stable) - Number(a === stable) || a.localeCompare(b, 'en', { numeric: true }));
  return parts.length === 1 ? `v${parts[0]![0]} has all requests` : parts.map(([version, part]) => `v${version} ${share(part)}`).join(', ');
}

/** The words of a button for ACT. */
export function verb(act: Act, endpoint: Served): string {
  switch (act.verb) {
    case 'serve': return `Publish v${act.version} to all`;
    case 'canary': return act.version === endpoint.canary ? `Give v${act.version} ${share(act.share ?? 0)}` : `Publish v${act.version} to ${share(act.share ?? 0)}`;
    case 'shadow': return act.version ? `Let v${act.version} shadow` : 'End the shadow';
    case 'promote': return `Give all requests to v${endpoint.canary}`;
    case 'rollback': return `Roll back to v${backTo(endpoint) ?? '?'}`;
    default: return 'Share the requests so';
  }
}

/** What ACT comes to, sentence by sentence. */
export function effects(act: Act, effect: Effect, endpoint: Served): string[] {
  const said: string[] = [];
  if (effect.nothing) return ['That is how it is already: nothing would change.'];
  const loads = effect.loads.map((version) => `v${version}`).join(', ');
  if (act.verb === 'shadow') {
    if (!act.version) return ['Copies of requests are made no more.'];
    said.push(`v${act.version} gets a copy of every request. Its answers go to nobody and are compared with those that were given.`);
  } else if (effect.per_minute) said.push(`At the rate of the last 5 minutes, ${number(effect.moved_per_minute, 2)} of ${number(effect.per_minute, 2)} requests a minute go to another version than now.`);
  else said.push('Nobody has asked in the last 5 minutes, so there is no rate to go by.');
  if (loads) said.push(`${loads} answers its examples in a process of its own first; where it fails, nothing changes.`);
  if (effect.kept) said.push(`v${effect.kept} stays loaded until the new one has proved itself.`);
  const back = act.verb === 'canary' ? endpoint.stable : effect.kept;
  if (effect.trial_seconds && back) said.push(`After about ${about(effect.trial_seconds)} it is known whether it may stay; with more errors or slow answers than expected, requests return to v${back} by themselves.`);
  else if (back && act.verb !== 'shadow' && act.verb !== 'rollback') said.push(`It is watched over its first 50 answers; with more errors or slow answers than expected, requests return to v${back} by themselves.`);
  return said;
}

/** A span that nobody knows to the second. */
const about = (span: number): string => (span < 90 ? seconds(Math.round(span)) : span < 5400 ? plural(Math.round(span / 60), 'minute') : plural(Math.round(span / 3600), 'hour'));
