// Objects by their names, for the palette.  What the server searches is asked each time; what it only lists, once.
import { call, me, Refusal } from '../api/client.ts';
import { allows } from '../parts/rights.ts';

export interface Found {
  text: string;
  icon: string;
  to: string; // address of its page
  hint?: string;
  state?: string;
}

/** What was found, and lists that could not be looked through, each with what is wrong. */
export interface Finding {
  found: Found[];
  lacking: string[];
}

type List = (text: string, stop: AbortSignal) => Promise<Found[]>;
type Kind = [title: string, needs: string, list: List];

const EACH = 5; // of a kind
const AMONG = { sources: 500, jobs: 200, ledgers: 50 }; // rows that are looked through here
const at = (...parts: Array<string | number>) => `#/${parts.map(encodeURIComponent).join('/')}`;

/** Asks for all that LIST gives when it is needed first, and looks among it. */
function among(list: () => Promise<Found[]>): List {
  let all: Promise<Found[]> | undefined;
  return async (text) => {
    all ??= list();
    all.catch(() => (all = undefined)); // the next letter asks again
    const sought = text.toLowerCase();
    return (await all).filter((one) => one.text.toLowerCase().includes(sought));
  };
}

/** A search that ends with the palette that it is made for. */
export function finder(): (text: string, stop: AbortSignal) => Promise<Finding> {
  const kinds: Kind[] = [
    ['endpoints', 'endpoints.see', among(() => call('GET /endpoints').then(({ rows }) => rows.map(({ name }) => ({ text: name, icon: 'serving', hint: 'endpoint', to: at('endpoints', name) }))))],
    ['models', 'models.see', (text, stop) => call('GET /models', { query: { text, limit: EACH } }, stop)
      .then(({ rows }) => rows.map(({ name, used }) => ({ text: `${name}@${used}`, icon: 'models', hint: 'model', to: at('models', name, used) })))],
    ['datasets', 'data.see', (text, stop) => call('GET /datasets', { query: { text, limit: EACH } }, stop)
      .then(({ rows }) => rows.map(({ name, digest }) => ({ text: `${name}  ${digest.slice(0, 12)}`, icon: 'data', hint: 'dataset', to: at('datasets', digest) })))],
    ['sources', 'data.see', among(() => call('GET /sources', { query: { limit: AMONG.sources } }).then(({ rows }) => rows.map(({ name }) => ({ text: name, icon: 'sources', hint: 'source', to: at('sources', name) }))))],
    ['runs', 'runs.see', (text, stop) => call('GET /runs', { query: { text, limit: EACH } }, stop)
      .then(({ rows }) => rows.map(({ id, label, step, state }) => ({ text: `Run ${id}  ${label || step}`, icon: 'runs', state, to: at('runs', id) })))],
    ['jobs', 'jobs.see', among(() => call('GET /jobs', { query: { limit: AMONG.jobs } }).then(({ rows }) => rows.map(({ id, label, state }) => ({ text: `Job ${id}  ${label}`, icon: 'jobs', state, to: at('jobs', id) }))))],
    ['ledgers', 'ledgers.see', among(() => call('GET /ledgers', { query: { limit: AMONG.ledgers } }).then(({ rows }) => rows.map(({ digest, versions, best }) => ({
      text: `Ledger ${digest.slice(0, 12)}  ${[...versions.map((one) => `${one.name}@${one.number}`), best?.candidate ?? 'nothing fits'].join(', ')}`, icon: 'ledgers', hint: 'ledger', to: at('ledgers', digest),
    }))))],
  ];
  return async (text, stop) => {
    const seen = kinds.filter(([, needs]) => allows(me.value, needs));
    const answers = await Promise.allSettled(seen.map(([, , list]) => list(text, stop)));
    stop.throwIfAborted();
    return {
      found: answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.slice(0, EACH) : [])),
      lacking: answers.flatMap((answer, i) => (answer.status === 'rejected' ? [`${seen[i]![0]}: ${(answer.reason as Refusal | Error).message}`] : [])),
    };
  };
}
