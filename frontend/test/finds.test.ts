import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { answering, body } from './page.ts';

const { me } = await import('../src/api/client.ts');
const { finder } = await import('../src/shell/finds.ts');

const ALL = ['endpoints.see', 'models.see', 'data.see', 'runs.see', 'jobs.see', 'ledgers.see'];
const LISTS: Record<string, object[]> = {
  endpoints: [{ name: 'flights' }, { name: 'reviews' }],
  models: [{ name: 'flights', used: 2 }],
  datasets: [{ name: 'flights/clean', digest: 'a'.repeat(64) }],
  sources: [{ name: 'flights/weather' }, { name: 'calls' }],
  runs: [{ id: 7, label: '', step: 'train', state: 'running' }],
  jobs: [{ id: '3', label: 'flights', state: 'queued' }],
  ledgers: [{ digest: 'b'.repeat(64), versions: [{ name: 'flights', number: 2 }], best: null }],
};
const listOf = (what: string) => what.match(/^GET \/(\w+)/)![1]!;
const may = (...permissions: string[]) => (me.value = { permissions } as never);
const { signal } = new AbortController();

beforeEach(() => mock.restoreAll());

test('what has a name is found by it, each with the way to its page', async () => {
  may(...ALL);
  answering((what) => body({ rows: LISTS[listOf(what)] }));
  const { found, lacking } = await finder()('flights', signal);
  assert.deepEqual(found.map((one) => one.to), [
    '#/endpoints/flights', '#/models/flights/2', `#/datasets/${'a'.repeat(64)}`, '#/sources/flights%2Fweather', '#/runs/7', '#/jobs/3', `#/ledgers/${'b'.repeat(64)}`,
  ]);
  assert.deepEqual(lacking, []);
});

test('nobody is asked for what the reader may not see', async () => {
  may('models.see');
  const asked = answering((what) => body({ rows: LISTS[listOf(what)] }));
  await finder()('flights', signal);
  assert.deepEqual(asked.map(listOf), ['models']);
});

test('a list that the server does not search is asked for once, and again only after it failed', async () => {
  may('jobs.see', 'endpoints.see');
  let broken = true;
  const asked = answering((what) => (listOf(what) === 'jobs' && broken ? body({ error: 'the catalog does not answer' }, 500) : body({ rows: LISTS[listOf(what)] })));
  const find = finder();
  const first = await find('fl', signal);
  assert.deepEqual(first.lacking, ['jobs: the catalog does not answer']);
  broken = false;
  const next = await find('flights', signal);
  assert.deepEqual([next.lacking, next.found.length], [[], 2]);
  assert.deepEqual(asked.map(listOf), ['endpoints', 'jobs', 'jobs']);
});

test('of many of a name a few are shown', async () => {
  may('endpoints.see');
  answering(() => body({ rows: Array.from({ length: 40 }, (_, i) => ({ name: `flights-${i}` })) }));
  assert.equal((await finder()('flights', signal)).found.length, 5);
});
