import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aligned, csv, smooth, thin, type Point } from '../src/chart/points.ts';
import { Tail, type Report } from '../src/chart/tail.ts';
import { quoted } from '../src/parts/csv.ts';

const curve = (count: number): Point[] => Array.from({ length: count }, (_, i) => {
  const y = Math.sin(i / 7) + (i === 412 ? 50 : 0) - (i === 777 ? 50 : 0);
  return [i, y, y, y];
});

test('a thinned curve keeps every spike, its end and its length', () => {
  const whole = curve(1003);
  for (const most of [4, 50, 401, 1002]) {
    const short = thin(whole, most);
    assert.equal(short.length, most);
    assert.deepEqual(short.at(-1)![3], whole.at(-1)![3]);
    assert.equal(Math.max(...short.map((point) => point[2])), Math.max(...whole.map((point) => point[2])));
    assert.equal(Math.min(...short.map((point) => point[1])), Math.min(...whole.map((point) => point[1])));
  }
});

test('a curve that is short enough stays as it is', () => {
  const whole = curve(10);
  assert.equal(thin(whole, 10), whole);
});

test('smoothing has no bias to the start, and leaves gaps', () => {
  assert.deepEqual(smooth([3, 3, null, 3], 0.9).map((value) => value && Math.round(value * 1e9) / 1e9), [3, 3, null, 3]);
  assert.deepEqual(smooth([1, 5], 0), [1, 5]);
  const [, second] = smooth([0, 1], 0.5);
  assert.ok(Math.abs(second! - 2 / 3) < 1e-12);
});

test('lines of different positions share an axis in order', () => {
  const { x, rows } = aligned([
    { name: 'a', count: 2, points: [[0, 1, 1, 1], [2, 3, 3, 3]] },
    { name: 'b', count: 2, points: [[1, 5, 5, 5], [2, 6, 6, 6]] },
  ]);
  assert.deepEqual(x, [0, 1, 2]);
  assert.deepEqual(rows.map((row) => row.map((point) => point && point[3])), [[1, null, 3], [null, 5, 6]]);
});

test('a cell of CSV is one cell, and never a formula', () => {
  assert.equal(quoted('a,"b"'), '"a,""b"""');
  assert.equal(quoted('=HYPERLINK("x")'), '"\'=HYPERLINK(""x"")"');
  assert.equal(quoted(-1.5), '-1.5');
  assert.equal(quoted(null), '');
  assert.equal(csv([{ name: 'loss', count: 1, points: [[1, 2, 3, 2.5]] }], 'epoch'), 'curve,epoch,min,max,last\r\nloss,1,2,3,2.5\r\n');
});

const report = (id: number, value = id): Report => [id, 'loss', id / 10, value, 1000 + id];

test('reports are drawn once, whether they come by the curve, the socket or both', () => {
  const tail = new Tail();
  assert.equal(tail.add([report(1), report(2), report(3)]), true);
  assert.equal(tail.add([report(2), report(3)]), false);
  assert.equal(tail.add([report(3), report(4)]), true);
  const fetched = [{ name: 'loss', count: 3, points: [[0.1, 1, 1, 1], [0.2, 2, 2, 2], [0.3, 3, 3, 3]] as Point[] }];
  assert.deepEqual(tail.onto(fetched, 3)[0]!.points.map((point) => point[3]), [1, 2, 3, 4]);
  assert.equal(tail.onto(fetched, 3)[0]!.count, 4);
});

test('what curves hold is forgotten, what came after stays', () => {
  const tail = new Tail();
  tail.add([report(1), report(2), report(3)]);
  tail.settle(2);
  assert.equal(tail.length, 1);
  assert.equal(tail.add([report(2)]), false);
});

test('a zoomed curve does not grow out of its view', () => {
  const tail = new Tail();
  tail.add([report(1), report(90)]);
  assert.equal(tail.onto([{ name: 'loss', count: 0, points: [] }], 0, 5)[0]!.points.length, 1);
});

test('a curve over time grows by the time of its reports, one over positions by these', () => {
  const tail = new Tail();
  tail.add([report(1), [2, 'loss', null, 7, 2000]]);
  const line = { name: 'loss', count: 0, points: [] };
  assert.deepEqual(tail.onto([line], 0)[0]!.points.map((point) => point[0]), [0.1]);
  assert.deepEqual(tail.onto([{ ...line, time: true }], 0)[0]!.points.map((point) => point[0]), [1001, 2000]);
});
