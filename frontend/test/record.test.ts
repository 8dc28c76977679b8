import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { curl, isLong, literal, python } from '../src/pages/playground/code.ts';
import { inputOf, recordOf, recordsOf, textsOf, type Column } from '../src/pages/playground/record.ts';

const column = (name: string, sent: string, more: Partial<Column> = {}): Column => ({ name, sent, kind: '', unit: '', shape: [], values: [], ...more });
const COLUMNS = [column('age', 'number'), column('n', 'integer'), column('plan', 'string'), column('in', 'boolean'), column('seen', 'date'), column('image', 'image'), column('x', 'tensor')];

test('what stands in the fields becomes the record, and back', () => {
  const row = { age: -2.5, n: 7, plan: ' a b ', in: false, seen: '2024-03-01', image: { b64: 'aGk=' }, x: [1, [2]] };
  const { record, wrong } = recordOf(COLUMNS, textsOf(COLUMNS, row));
  assert.deepEqual(record, row);
  assert.deepEqual(wrong, {});
});

test('an empty field is null, whatever its column holds', () => {
  const { record, wrong } = recordOf(COLUMNS, {});
  assert.deepEqual(Object.values(record), COLUMNS.map(() => null));
  assert.deepEqual(wrong, {});
  assert.deepEqual(Object.values(textsOf(COLUMNS, record)), COLUMNS.map(() => ''));
});

test('what a column cannot hold is said at its field, and nothing is guessed', () => {
  const { wrong } = recordOf(COLUMNS, { age: '1,5', n: '1.5', in: 'yes', x: '[1', plan: 'anything', seen: 'any day' });
  assert.deepEqual(Object.keys(wrong).sort(), ['age', 'in', 'n', 'x']);
  assert.ok(recordOf(COLUMNS, { age: 'Infinity', n: '9007199254740993' }).wrong['age']);
  assert.ok(recordOf(COLUMNS, { n: '9007199254740993' }).wrong['n']);
});

test('records are one, a list, or under their word', () => {
  assert.deepEqual(recordsOf('{"a": 1}'), [{ a: 1 }]);
  assert.deepEqual(recordsOf('[{"a": 1}, {"a": 2}]'), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(recordsOf('{"records": [{"a": 1}]}'), [{ a: 1 }]);
  for (const text of ['', '[', '[]', '[1]', '"a"', 'null', '{"records": 1, "a": [']) assert.throws(() => recordsOf(text), Error, text);
});

test('a column is asked for by the field that fits it', () => {
  assert.equal(inputOf(column('a', 'image'), ''), 'picture');
  assert.equal(inputOf(column('a', 'string', { kind: 'text' }), ''), 'area');
  assert.equal(inputOf(column('a', 'date'), '2024-03-01'), 'date');
  assert.equal(inputOf(column('a', 'date'), '2024-03-01T10:00:00'), 'datetime-local');
  assert.equal(inputOf(column('a', 'date'), '1 March'), 'text');
  assert.equal(inputOf(column('a', 'boolean'), ''), 'choice');
});

test('a shell sends exactly the body, whatever letters are in it', () => {
  const body = { records: [{ "it's": 'a "b" $HOME `id` \\ \n ü ; rm -rf x' }] };
  const said = curl('http://127.0.0.1:1/v1/predict/a', body).replace(/^curl/, 'printf "%s\\n"');
  const words = execFileSync('sh', ['-c', said], { encoding: 'utf-8' });
  assert.ok(words.endsWith(`-d\n${JSON.stringify(body)}\n`), words);
});

test('a key that is asked for comes from the environment, and is not in what one copies', () => {
  const said = curl('http://127.0.0.1:1/v1/predict/a', {}, true).replace(/^curl/, 'printf "%s\\n"');
  const words = execFileSync('sh', ['-c', said], { encoding: 'utf-8', env: { ...process.env, KEY: 'a b$c' } });
  assert.match(words, /^authorization: Bearer a b\$c$/m);
  assert.match(python('u', {}, true), /^request\.add_header\("authorization", f"Bearer \{os\.environ\['KEY'\]\}"\)$/m);
  assert.doesNotMatch(curl('u', {}) + python('u', {}), /authorization|KEY/);
});

test('a value is written as Python writes it', () => {
  assert.equal(literal({ a: null, b: [true, false, 1.5, "it's"] }), '{"a": None, "b": [True, False, 1.5, "it\'s"]}');
  assert.match(literal({ a: 'x'.repeat(90) }), /^\{\n {4}"a": "x+",\n\}$/);
  assert.match(python('http://x/y', { records: [{ a: 1 }] }), /body = \{"records": \[\{"a": 1\}\]\}/);
});

test('a long body comes from a file', () => {
  const body = { records: [{ a: 'x'.repeat(3000) }] };
  assert.ok(isLong(body) && curl('u', body).includes('@request.json') && python('u', body).includes('request.json'));
  assert.ok(!isLong({ records: [{ a: 1 }] }));
});
