import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolute, ago, clock, grouped, milliseconds, number, plural, seconds, zone } from '../src/parts/format.ts';

test('a number has four significant digits', () => {
  assert.equal(number(0.831249), '0.8312');
  assert.equal(number(12.34567), '12.35');
  assert.equal(number(123456.7), '123,457');
  assert.equal(number(1316.4), '1,316');
  assert.equal(number(999.7, 3), '1,000');
});

test('whole numbers stay whole', () => {
  assert.equal(number(0), '0');
  assert.equal(number(5_000_000), '5,000,000');
  assert.equal(number(-42), '−42');
});

test('very small and very large numbers are written with a power of ten', () => {
  assert.equal(number(0.0000123456), '1.235e−5');
  assert.equal(number(-2.5e12), '−2.5e12');
});

test('numbers are grouped and moments are told as Intl does for British readers', () => {
  for (let value = 1; value < 1e12; value = Math.ceil(value * 1.7)) {
    assert.equal(grouped(String(value)), value.toLocaleString('en-GB'));
    assert.equal(grouped(`-${value}.12345`), `-${value.toLocaleString('en-GB')}.12345`);
  }
  for (let at = 1; at < 4e9; at += 12_345_679) {
    const moment = new Date(at * 1000);
    assert.equal(absolute(at), moment.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }));
    assert.equal(clock(at), moment.toLocaleTimeString('en-GB'));
  }
});

test('a chosen time zone moves the moment', () => {
  zone.name = 'Asia/Kolkata';
  assert.equal(absolute('2026-09-30T20:00:00'), '1 Oct 2026, 01:30:00');
  assert.equal(clock('2026-09-30T20:00:00'), '01:30:00');
  zone.name = '';
  assert.equal(absolute('no moment'), '–');
});

test('what is not a number is said', () => {
  assert.equal(number(Number.NaN), 'NaN');
  assert.equal(number(-Infinity), '−∞');
  assert.equal(number(null), '–');
  assert.equal(number(undefined), '–');
});

test('a duration is told in the two units that matter', () => {
  assert.equal(seconds(0.0204), '20 ms');
  assert.equal(seconds(59.94), '59.9 s');
  assert.equal(seconds(59.96), '1 min 0 s');
  assert.equal(seconds(3599.6), '1 h 0 min');
  assert.equal(seconds(93600), '1 d 2 h');
});

test('no duration shows sixty of a unit', () => {
  for (let value = 0.5; value < 200_000; value *= 1.003) assert.doesNotMatch(seconds(value), /\b60(\.0)? (s|min)|\b1000 ms|\b24 h/, String(value));
});

test('a moment without a zone is UTC, as the catalog writes', () => {
  assert.equal(milliseconds('2026-01-02T03:04:05'), Date.UTC(2026, 0, 2, 3, 4, 5));
  assert.equal(milliseconds('2026-01-02T03:04:05+00:00'), Date.UTC(2026, 0, 2, 3, 4, 5));
  assert.equal(milliseconds('2026-01-02T05:04:05+02:00'), Date.UTC(2026, 0, 2, 3, 4, 5));
  assert.equal(milliseconds(1.5), 1500);
});

test('a moment is told from now', () => {
  const now = Date.UTC(2026, 0, 2);
  assert.equal(ago(now / 1000 - 1, now), 'now');
  assert.equal(ago(now / 1000 - 60, now), '1 minute ago');
  assert.equal(ago(now / 1000 - 7300, now), '2 hours ago');
  assert.equal(ago(now / 1000 + 90, now), 'in 1 minute');
  assert.equal(ago('no time at all', now), '–');
});

test('one run, two runs', () => {
  assert.equal(plural(1, 'run'), '1 run');
  assert.equal(plural(5000, 'run'), '5,000 runs');
});
