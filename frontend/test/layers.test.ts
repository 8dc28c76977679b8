import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, laidOut, needed } from '../src/parts/layers.ts';

const links = (text: string) => text.split(' ').map((pair) => ({ from: pair[0]!, to: pair[1]! }));

test('what was made from something stands right of it, however it was reached', () => {
  const columns = columnsOf([...'abcd'], links('ab bc ac cd ad'));
  assert.deepEqual([...columns], [['a', 0], ['b', 1], ['c', 2], ['d', 3]]);
});

test('no two share a place, and children stand in the order of their parents', () => {
  const places = laidOut([...'abxy'], links('ay bx'));
  assert.deepEqual(places.get('y'), { column: 1, row: 0 });
  assert.deepEqual(places.get('x'), { column: 1, row: 1 });
  assert.equal(new Set([...places.values()].map(({ column, row }) => `${column} ${row}`)).size, 4);
});

test('a link is left out that a longer way tells, too', () => {
  assert.deepEqual(needed(links('ab bc ac cd ad')), links('ab bc cd'));
  assert.deepEqual(needed(links('ab ac')), links('ab ac'));
  assert.equal(needed(links('ab ba')).length, 2);
});

test('links to strangers and rings end', () => {
  assert.deepEqual([...columnsOf(['a'], links('ab za'))], [['a', 0]]);
  assert.equal(laidOut([...'ab'], links('ab ba')).size, 2);
});
