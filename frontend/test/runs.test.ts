import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { answering, body, until } from './page.ts';
import { h, render } from 'preact';

const { useRuns } = await import('../src/api/runs.ts');

/** The list of runs as a page has it, without a picture of it. */
function listed() {
  const seen: { now?: ReturnType<typeof useRuns> } = {};
  const Page = () => {
    seen.now = useRuns({ sort: '-started', state: '', step: '', text: '' });
    return null;
  };
  const root = { nodeType: 1, childNodes: [], firstChild: null, namespaceURI: '' };
  render(h(Page, null), root as never);
  return { seen, leave: () => render(null, root as never) };
}

test('a first page that nobody answers, or that the server fails at, is asked for again', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const answers = [() => Promise.reject(new TypeError('no line')), () => body({ error: 'busy' }, 503), () => body({ rows: [], next: null, total: 0 })];
  const asked = answering(() => answers[asked.length - 1]!());
  const { seen, leave } = listed();
  for (const count of [1, 2]) {
    await until(() => (mock.timers.tick(100), asked.length === count && seen.now!.refusal !== undefined));
    assert.equal(seen.now!.total, null);
    mock.timers.tick(4000);
  }
  await until(() => (mock.timers.tick(100), seen.now!.total === 0));
  assert.equal(seen.now!.refusal, undefined);
  leave();
  mock.restoreAll();
  mock.timers.reset();
});

test('a first page that is refused is not asked for again by itself', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked = answering(() => body({ error: 'viewer may not do this' }, 403));
  const { seen, leave } = listed();
  await until(() => (mock.timers.tick(100), seen.now!.refusal !== undefined));
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(() => resolve(mock.timers.tick(100))));
  assert.equal(asked.length, 1);
  leave();
  mock.restoreAll();
  mock.timers.reset();
});
