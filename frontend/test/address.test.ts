import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchPath, readPlace, writePlace } from '../src/parts/address.ts';

test('an address is read as it was written', () => {
  const places = [
    { path: '/', query: {} },
    { path: '/runs', query: { sort: '-started', state: 'failed,stopped', text: 'a b&c=d#e?f%g' } },
    { path: '/runs/12', query: { tab: 'curves', low: '-1.5' } },
  ];
  for (const place of places) assert.deepEqual(readPlace(writePlace(place)), place);
});

test('one view has one address', () => {
  assert.equal(writePlace({ path: '/runs', query: { text: '', state: 'a,b', sort: 'id' } }), '#/runs?sort=id&state=a,b');
  assert.equal(readPlace('#runs/').path, '/runs');
  assert.equal(readPlace('').path, '/');
});

test('a second question mark belongs to the value', () => {
  assert.deepEqual(readPlace('#/runs?text=why?').query, { text: 'why?' });
});

test('names in a path are found, and no page is another', () => {
  assert.deepEqual(matchPath('/runs/:id', '/runs/12'), { id: '12' });
  assert.deepEqual(matchPath('/models/:name', '/models/a%2Fb'), { name: 'a/b' });
  assert.equal(matchPath('/runs/:id', '/runs'), null);
  assert.equal(matchPath('/runs/:id', '/runs/12/more'), null);
  assert.equal(matchPath('/runs/:id', '/runs/%'), null);
});
