import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Sha256 } from '../src/parts/sha256.ts';

const hashed = (bytes: Uint8Array, cuts: number[]): string => {
  const hash = new Sha256();
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    hash.add(bytes.subarray(at, Math.max(at, cut)));
    at = Math.max(at, cut);
  }
  return hash.hex();
};

test('it is SHA-256 for every length and however the bytes come', () => {
  for (const size of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 70_001]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255);
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const cuts of [[], [1], [63], [64, 65], [10, 10, 100, 5000]]) assert.equal(hashed(bytes, cuts.map((cut) => Math.min(cut, size))), expected, `${size} by ${cuts}`);
  }
  assert.equal(hashed(new TextEncoder().encode('abc'), []), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
