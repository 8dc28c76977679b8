import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BAD, HEAD, isBad, levelOf, ODD } from '../src/parts/level.ts';

test('a line is as bad here as the server says it is', () => {
  const rule = readFileSync(new URL('../../src/aimass/console/logs/line.py', import.meta.url), 'utf-8');
  for (const part of [`r"${BAD.source}"`, `r"${ODD.source}"`, `text[:${HEAD}]`]) assert.ok(rule.includes(part), `line.py lacks ${part}`);
  assert.deepEqual([BAD.flags, ODD.flags], ['i', 'i']);
});

test('how bad a line is, is told by its words', () => {
  const lines = ['epoch 3', 'UserWarning: old', 'a key was refused', 'ValueError: x', 'No failure', 'errors', `${'x '.repeat(HEAD / 2)}error`];
  assert.deepEqual(lines.map(levelOf), ['info', 'warning', 'warning', 'error', 'error', 'info', 'info']);
  assert.deepEqual(['', 'warning', 'error', 'nonsense'].map((least) => lines.filter((line) => isBad(line, least)).length), [7, 4, 2, 7]);
});
