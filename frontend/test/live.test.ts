import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits, withChanges } from '../src/api/run-list.ts';
import { pause, Topic } from '../src/api/topics.ts';
import { joined, risen } from '../src/parts/lines.ts';

test('the first message says from where on all is heard', () => {
  const topic = new Topic();
  assert.equal(topic.judge({ topic: 'runs', n: 1_700_000_000_000, data: {} }), 'begin');
  assert.equal(topic.judge({ topic: 'runs', n: 1_700_000_000_001, data: {} }), 'take');
});

test('after a break nothing is taken twice and nothing is left out', () => {
  const topic = new Topic();
  const said = (n: number) => topic.judge({ topic: 'runs', n, data: { changed: [] } });
  assert.deepEqual([6, 7, 8, 8, 7, 9].map(said), ['begin', 'take', 'take', 'drop', 'drop', 'take']);
  assert.equal(said(12), 'ask'); // 10 and 11 are missing
  assert.equal(topic.n, 9);
  assert.deepEqual([10, 11, 12].map(said), ['take', 'take', 'take']);
});

test('who missed too much begins again', () => {
  const topic = new Topic();
  topic.judge({ topic: 'runs', n: 3, data: {} });
  assert.equal(topic.judge({ topic: 'runs', n: 900, reset: true }), 'reset');
  assert.equal(topic.judge({ topic: 'runs', n: 901, data: {} }), 'take');
  assert.equal(topic.judge({ topic: 'runs', n: 5, reset: true }), 'reset', 'a server that was started anew may count from less');
});

test('attempts to connect again come soon, then within two seconds', () => {
  assert.ok(pause(0, 1) < 350);
  for (let number = 0; number < 60; number++) for (const chance of [0, 0.5, 1]) assert.ok(pause(number, chance) <= 2000);
  assert.ok(pause(50, 0) >= 1000);
});

const run = (id: number, state = 'running', label = 'flights/train') => ({
  id, state, label, step: 'train', started: '', ended: null, seconds: null, metrics: {}, output: null, error: null, host: '',
}) as never as Parameters<typeof fits>[0];
const all = { sort: '-started', state: '', step: '', text: '' };

test('a filter means in the browser what it means on the server', () => {
  assert.ok(fits(run(12), all));
  assert.ok(fits(run(12), { ...all, state: 'failed,running' }));
  assert.ok(!fits(run(12), { ...all, state: 'failed' }));
  assert.ok(!fits(run(12), { ...all, step: 'compress' }));
  assert.ok(fits(run(12), { ...all, text: 'FLIGHTS' }));
});

test('a list of runs changes where it stands', () => {
  const rows = [run(3), run(2), run(1)];
  const { rows: after, added } = withChanges(rows, [run(4), run(2, 'finished')], all, true);
  assert.deepEqual(after.map((one) => `${one.id} ${one.state}`), ['4 running', '3 running', '2 finished', '1 running']);
  assert.equal(added, 1);
});

test('where the newest do not stand on top, new runs are counted and not shoved in', () => {
  const { rows, added, elsewhere } = withChanges([run(1), run(2)], [run(3)], { ...all, sort: 'seconds' }, true);
  assert.deepEqual([rows.length, added, elsewhere], [2, 0, [3]]);
});

test('a run that leaves the states one asked for leaves the list and its total', () => {
  for (const sort of ['-started', 'seconds']) {
    const { rows, added } = withChanges([run(3), run(2), run(1)], [run(2, 'finished'), run(5, 'failed')], { ...all, sort, state: 'running' }, true);
    assert.deepEqual([rows.map((one) => one.id), added], [[3, 1], -1]);
  }
});

test('a run that comes into the states one asked for stands where it belongs', () => {
  const failed = { ...all, state: 'failed' };
  const known = [run(9, 'failed'), run(5, 'failed')];
  const ids = (changed: number, whole: boolean) => withChanges(known, [run(changed, 'failed')], failed, whole).rows.map((one) => one.id);
  assert.deepEqual(ids(7, false), [9, 7, 5]);
  assert.deepEqual(ids(2, true), [9, 5, 2]);
  assert.deepEqual(ids(2, false), [9, 5], 'rows between are not known yet');
});

test('lines of a log stand in order and once, whichever way they came', () => {
  const ids = (...found: number[]) => found.map((id) => ({ id }));
  assert.deepEqual(joined(ids(1, 2), ids(3, 5)), ids(1, 2, 3, 5));
  assert.deepEqual(joined(ids(1, 2, 5), ids(2, 4, 6)), ids(1, 2, 4, 5, 6), 'a smaller number may come after a greater one');
  assert.deepEqual(joined(ids(4, 5), ids(1, 3)), ids(1, 3, 4, 5));
  assert.deepEqual(joined([], []), []);
  assert.equal(joined(Array.from({ length: 100_000 }, (_, id) => ({ id })), ids(100_000))[0]!.id, 1, 'the first ones go');
});

test('what one reads is moved by the lines that come above it or are cut off', () => {
  const ids = (...all: number[]) => all.map((id) => ({ id }));
  assert.equal(risen(ids(5, 6), ids(5, 6, 7)), 0, 'below it nothing moves');
  assert.equal(risen(ids(5, 6), ids(2, 3, 5, 6)), 2);
  assert.equal(risen(ids(1, 2, 3, 4), ids(3, 4, 5, 6)), -2);
  assert.equal(risen(ids(1, 2), ids(8, 9)), 0, 'nothing is in both');
  assert.deepEqual([risen(ids(), ids(1)), risen(ids(1), ids())], [0, 0]);
});
