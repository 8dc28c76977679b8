import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compared, matches, rangeOf, shown, story, valueOf } from '../src/pages/parameters/words.ts';

const rows = { choices: [], low: 1, high: 1024, whole: true, unit: 'rows' };
const level = { choices: ['DEBUG', 'ERROR'], low: null, high: null, whole: false, unit: '' };

test('a value is shown with its unit and no digit more than it was set with', () => {
  assert.equal(shown(0.1, 's'), '0.1 s');
  assert.equal(shown(1024, 'rows'), '1,024 rows');
  assert.equal(shown(1, 'processes'), '1 process');
  assert.equal(shown(8 << 20, 'bytes'), '8.39 MB');
  assert.equal(shown('WARNING', ''), 'warning');
  assert.equal(shown(null, 's'), '–');
});

test('what may be set is said, and what is typed is held against it', () => {
  assert.equal(rangeOf(rows), '1 – 1,024');
  assert.equal(rangeOf(level), 'debug – error');
  assert.deepEqual(['32', ' 7 ', '1e2', '0', '1025', '2.5', '', 'x', 'Infinity', 'NaN'].map((text) => valueOf(text, rows)), [32, 7, 100, null, null, null, null, null, null, null]);
  assert.deepEqual(['DEBUG', 'LOUD'].map((text) => valueOf(text, level)), ['DEBUG', null]);
});

test('a parameter reads as a sentence and is found by any of its words', () => {
  assert.equal(story({ unit: 's', help: 'between looks', choices: [] }), 'Seconds between looks');
  assert.ok(matches({ name: 'console/look_seconds', help: 'between looks', unit: 's' }, 'LOOKS console'));
  assert.ok(!matches({ name: 'console/look_seconds', help: 'between looks', unit: 's' }, 'looks jobs'));
});

test('seconds before and after are told in milliseconds, with the difference', () => {
  assert.equal(compared(0.0012, 0.0018), '1.20 → 1.80 (+50 %)');
  assert.equal(compared(0.002, 0.001), '2 → 1 (−50 %)');
  assert.equal(compared(null, 0.001), '– → 1');
});
