import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listed, overAll, spoken } from '../src/parts/grants.ts';

test('a scope is told in words', () => {
  assert.deepEqual(['*', 'project:churn', 'source:churn/a:b'].map(spoken), ['everything', 'project churn', 'source churn/a:b']);
});

test('grants are told as a sentence', () => {
  const grants = [{ scope: 'project:churn', role: 'viewer' }, { scope: '*', role: 'operator' }];
  assert.equal(listed(grants), 'viewer over project churn and operator over everything');
  assert.ok(overAll(grants) && !overAll(grants.slice(0, 1)) && !overAll([]));
});
