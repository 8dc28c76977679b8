import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blamed, looked, parsed, rulesOf, shapeOf, summary, tomlOf } from '../src/pages/dataset/words.ts';
import { bytes, change, figured, percent } from '../src/parts/format.ts';

test('bytes have three digits and the unit that keeps them short', () => {
  assert.deepEqual([0, 17, 999, 1240, 999_499, 999_999, 3.8e8, 5e15].map(bytes), ['0 B', '17 B', '999 B', '1.24 kB', '999 kB', '1.00 MB', '380 MB', '5000 TB']);
});

test('a share is never told as nothing or all when it is not', () => {
  assert.deepEqual([0, 0.0001, 0.004, 0.5, 0.933, 0.9996, 1].map(percent), ['0 %', '< 0.1 %', '0.4 %', '50 %', '93.3 %', '> 99.9 %', '100 %']);
});

test('what is more or less has its sign', () => {
  assert.deepEqual([change(450, 300), change(3, 5), change(2, 2), change(2, null)], ['+150', '−2', '0', '–']);
});

test('a figure of a time is a moment, of a number a number', () => {
  assert.equal(figured(86_400, 'date'), '1970-01-02');
  assert.equal(figured(3660, 'timestamp'), '1970-01-01 01:01');
  assert.equal(figured(3660, 'integer'), '3,660');
  assert.equal(figured(1e300, 'timestamp'), '1e300', 'beyond what a calendar has');
});

test('a row in quarantine is told by cells, or as it came', () => {
  assert.deepEqual(parsed({ source: 's', reason: 'r', row: '{"a":1}' }, 0).cells, { a: 1 });
  for (const row of ['a,b', '[1]', 'null', '{"a":', null]) assert.equal(parsed({ source: 's', reason: 'r', row }, 0).cells, null);
});

test('the column that is blamed is the longest whose name begins the reason', () => {
  assert.equal(blamed('a: b: below 0', ['a', 'a: b', 'c']), 'a: b');
  assert.equal(blamed('too few cells', ['a']), null);
});

test('the rules of a column are words, and the contract is a table of the project file', () => {
  assert.equal(rulesOf({ type: 'integer', required: true, min: 0, max: 9 }), 'required; at least 0; at most 9');
  assert.equal(rulesOf({ type: 'text', values: ['a', 'b'] }), 'one of a, b');
  assert.equal(tomlOf('my source', { 'a "b"': { type: 'text', missing: ['', 'NA'] } }), '[clean.contract."my source"]\n"a \\"b\\"" = { type = "text", missing = ["","NA"] }\n');
});

test('a profile says how much it is of', () => {
  const of = { total: 5_000_000, rows: 1000, malformed: 0, exact: false };
  assert.equal(looked(of as never), '1,000 rows of 5,000,000, in evenly spaced stretches, were looked at.');
  assert.equal(looked({ total: 3, rows: 2, malformed: 1, exact: true } as never), 'All 3 rows were looked at; 1 of them cannot be read.');
});

test('what is drawn is said in words, too', () => {
  const column = { name: 'age', type: 'integer', least: 1, greatest: 90, quantiles: { '0.5': 40 }, bins: {} };
  assert.equal(shapeOf(column as never), 'age: from 1 to 90, half of them below 40');
  assert.equal(shapeOf({ name: 'plan', values: [{ value: 'pro', count: 7 }] } as never), 'plan: most often pro, 7 times');
  assert.equal(shapeOf({ name: 'x', missing: 5 } as never, 5), 'no value');
});

test('a difference says how many rows came, and what was compared', () => {
  const of = { rows_before: 300, rows_after: 450, added: true, exact: true, looked_before: 300, looked_after: 150 };
  assert.equal(summary(of as never), '450 rows, +150 against 300. All rows of before are still there; those that came since are compared with them.');
});
