import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backTo, effects, newest, split, verb, type Act, type Effect, type Endpoint } from '../src/pages/endpoints/words.ts';

const now = { answers: 0, rows: 0, faults: 0, refused: 0, per_second: 0, error_share: null, p50_ms: null, p95_ms: null, p99_ms: null };
const version = (number: string, share: number | null, state = 'ready') => ({ version: number, digest: '', created: '', state, reason: '', share, label: '', champion: false, now }) as Endpoint['versions'][number];
const endpoint = (shares: Record<string, number>, stable: string, canary = '', more: Partial<Endpoint> = {}) => ({ name: 'm', shares, stable, canary, before: null, versions: ['3', '2', '1'].map((number) => version(number, shares[number] ?? null)), ...more }) as Endpoint;
const effect: Effect = { versions: [], per_minute: 120, moved_per_minute: 12, loads: [], kept: null, trial_seconds: null, nothing: false };

test('a canary goes back to who was there first, else all go to the version before', () => {
  assert.equal(backTo(endpoint({ 10: 0.9, 2: 0.1 }, '10', '2')), '10');
  assert.equal(backTo(endpoint({ 3: 1 }, '3', '', { before: '2' })), '2');
  assert.equal(backTo(endpoint({ 3: 1 }, '3')), null);
});

test('a newer version is told of where nobody gets its answers and nothing is against it', () => {
  assert.equal(newest(endpoint({ 2: 1 }, '2')), '3');
  assert.equal(newest(endpoint({ 3: 1 }, '3')), null);
  assert.equal(newest(endpoint({}, '')), null);
  assert.equal(newest(endpoint({ 2: 1 }, '2', '', { versions: [version('3', null, 'refused'), version('2', 1)] })), null);
});

test('shares are said with the one in front that was there first', () => {
  assert.equal(split({ 2: 0.1, 10: 0.9 }, '10'), 'v10 90 %, v2 10 %');
  assert.equal(split({ 2: 1 }, '2'), 'v2 has all requests');
  assert.equal(split({ 2: 0.995, 3: 0.005 }, ''), 'v2 99.5 %, v3 0.5 %');
});

test('a button says the deed with its object', () => {
  const served = endpoint({ 1: 0.9, 2: 0.1 }, '1', '2');
  const said: Array<[Act, string]> = [[{ verb: 'canary', version: '3', share: 0.1 }, 'Publish v3 to 10 %'], [{ verb: 'canary', version: '2', share: 0.5 }, 'Give v2 50 %'],
    [{ verb: 'serve', version: '3' }, 'Publish v3 to all'], [{ verb: 'promote' }, 'Give all requests to v2'], [{ verb: 'rollback' }, 'Roll back to v1'], [{ verb: 'shadow', version: '' }, 'End the shadow']];
  for (const [act, words] of said) assert.equal(verb(act, served), words);
});

test('an effect is said in numbers, and only what is known', () => {
  const served = endpoint({ 1: 1 }, '1');
  const canary: Act = { verb: 'canary', version: '2', share: 0.1 };
  const said = effects(canary, { ...effect, loads: ['2'], trial_seconds: 250 }, served).join(' ');
  assert.match(said, /12 of 120 requests a minute/);
  assert.match(said, /v2 answers its examples in a process of its own first/);
  assert.match(said, /After about 4 minutes .* return to v1/);
  const still = effects(canary, { ...effect, per_minute: 0, moved_per_minute: 0 }, served).join(' ');
  assert.match(still, /no rate to go by/);
  assert.match(still, /first 50 answers/);
  assert.deepEqual(effects(canary, { ...effect, nothing: true }, served), ['That is how it is already: nothing would change.']);
  assert.doesNotMatch(effects({ verb: 'rollback' }, effect, endpoint({ 1: 0.9, 2: 0.1 }, '1', '2')).join(' '), /watched/);
});
