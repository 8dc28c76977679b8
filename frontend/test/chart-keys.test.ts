import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepped, zoomed } from '../src/chart/keys.ts';

const XS = [0, 1, 2, 5, 9, 10];
const ALL: [number, number] = [0, 10];

test('the cross-hair goes from point to point and stays in what is seen', () => {
  assert.equal(stepped(XS, 0, 10, null, 1), 0);
  assert.equal(stepped(XS, 0, 10, null, -1), 5);
  assert.equal(stepped(XS, 0, 10, 2, 1), 3);
  assert.equal(stepped(XS, 1, 9, 4, 1), 4);
  assert.deepEqual([stepped(XS, 1, 9, 2, -Infinity), stepped(XS, 1, 9, 2, Infinity)], [1, 4]);
  assert.equal(stepped(XS, 6, 8, 2, 1), null, 'no point is there');
  assert.equal(stepped([], 0, 1, null, 1), null);
});

test('a zoom keeps the cross-hair where it is, and two points at least', () => {
  assert.deepEqual(zoomed(XS, ALL, ALL, 2, 0.5), [1, 6]);
  assert.deepEqual(zoomed(XS, ALL, [1, 6], 2, 2), [null, null], 'that is all again');
  assert.deepEqual(zoomed(XS, ALL, [4, 9], 9, 3), [0, 9]);
  assert.deepEqual(zoomed(XS, ALL, [1, 3], 2, 0.4), [1, 3], 'one point alone is no curve');
  assert.deepEqual(zoomed([4, 5], [-Infinity, Infinity], [4, 5], 4, 2), [4, 6]);
});
