import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choices, firstChoice, parsed, rangeOf, trimmed, withValue, written, type Field, type Form } from '../src/pages/new-run/draft.ts';

const field = (name: string, more: Partial<Field> = {}): Field => ({ name, kind: 'text', required: false, optional: false, default: null, low: null, high: null, log: false, choices: null, words: [], family: null, of: null, fields: [], help: '', ...more });
const families: Form['families'] = {
  architecture: [
    { name: 'gone', help: '', fields: [], lacks: 'needs x', fits: '' },
    { name: 'mlp', help: '', lacks: '', fits: 'gradient', fields: [field('width', { kind: 'integer', default: 256 }), field('norm', { default: 'batch' })] },
  ],
};
const fields = [field('model', { kind: 'part', family: 'architecture', required: true }), field('clip', { kind: 'number', default: 1 }), field('passes', { kind: 'list', default: [], of: field('', { kind: 'part', family: 'architecture' }) })];

test('what is said by default is left out, inside parts too', () => {
  const told = { model: { use: 'mlp', revision: 3, width: 256, norm: 'layer' }, clip: 1, passes: [{ use: 'mlp', width: 256 }] };
  assert.deepEqual(trimmed(told, fields, families), { model: { use: 'mlp', norm: 'layer' }, passes: [{ use: 'mlp' }] });
  assert.deepEqual(trimmed({ clip: 1, odd: 3 }, fields, families), { odd: 3 });
  assert.equal(choices({ clip: 2, passes: [] }, fields, families), 1);
});

test('what a person writes is what the field wants; what it cannot be stays text for the server to judge', () => {
  const number = field('x', { kind: 'number', words: ['auto'] });
  assert.deepEqual(['1e-3', 'auto', ' 5 ', 'five', ''].map((text) => parsed(number, text)), [0.001, 'auto', 5, 'five', undefined]);
  assert.equal(parsed(field('x', { kind: 'number', optional: true }), ''), null);
  assert.equal(parsed(field('x'), '0.1'), '0.1');
  const list = field('x', { kind: 'list', of: field('', { kind: 'integer' }) });
  assert.deepEqual(parsed(list, '64, 32'), [64, 32]);
  assert.deepEqual(parsed(list, '[64]'), [64]);
  assert.deepEqual(parsed(field('x', { kind: 'table' }), '{"a": [1]}'), { a: [1] });
  assert.equal(parsed(field('x', { kind: 'table' }), '{"a":'), '{"a":');
});

test('what is written is read back as it was', () => {
  const list = field('x', { kind: 'list', of: field('', { kind: 'text' }) });
  for (const value of [['a', 'b'], ['a, b'], []]) assert.deepEqual(parsed(list, written(list, value)) ?? [], value);
  for (const value of [{ a: 1 }, [{ b: null }]]) assert.deepEqual(parsed(field('x', { kind: 'json' }), written(field('x', { kind: 'json' }), value)), value);
  assert.equal(written(field('x', { kind: 'number' }), 0.25), '0.25');
});

test('what has to be said begins with the first choice that is installed', () => {
  assert.equal(firstChoice(fields[0]!, families), 'mlp');
  assert.equal(firstChoice(fields[1]!, families), undefined);
  assert.equal(firstChoice(field('x', { kind: 'choice', required: true, choices: ['a', 'b'] }), families), 'a');
});

test('a value that is taken back is gone, and ranges are words', () => {
  assert.deepEqual(withValue({ a: 1, b: 2 }, 'a', undefined), { b: 2 });
  assert.deepEqual(withValue({ a: 1 }, 'b', null), { a: 1, b: null });
  assert.deepEqual([field('x', { low: 0, high: 0.9 }), field('x', { low: 1 }), field('x', { high: 2 }), field('x')].map(rangeOf), ['0 – 0.9', 'from 1', 'up to 2', '']);
});
