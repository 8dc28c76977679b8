import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { answering, body, until } from './page.ts';

const { remove, send, sendings } = await import('../src/api/sending.ts');

const PIECE = 4;
const file = (name: string, size = 6) => new File(['x'.repeat(size)], name, { lastModified: 1 });
const states = () => sendings.value.all.map((one) => one.state);

/** A server that has room for MOST uploads at once. */
function server(most = 10) {
  type Upload = { id: string; name: string; size: number; modified: number; received: number };
  const it = { open: new Map<string, Upload>(), together: 0, opened: 0, away: false };
  answering(async (what, request) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (it.away) throw new TypeError('no line');
    const [method, id, at] = [request.method, what.match(/uploads\/(\w+)/)?.[1], Number(what.match(/at=(\d+)/)?.[1])];
    if (method === 'GET') return body({ rows: [...it.open.values()] });
    if (method === 'DELETE') return it.open.delete(id!), new Response(null, { status: 204 });
    if (method === 'POST') {
      if (it.open.size >= most) return body({ error: 'too many uploads are open' }, 409);
      const upload = { ...JSON.parse(request.body as string), id: `u${++it.opened}`, received: 0 };
      it.open.set(upload.id, upload);
    } else it.open.get(id!)!.received = at + (request.body as Blob).size;
    const going = [...it.open.values()].filter((one) => one.received < one.size).length;
    it.together = Math.max(it.together, going);
    return body(it.open.get(id ?? `u${it.opened}`));
  });
  return it;
}

beforeEach(() => {
  mock.restoreAll();
  sendings.value.all.forEach(remove);
});

test('files are sent a few at a time, and all of them come', async () => {
  const there = server(100);
  send(Array.from({ length: 11 }, (_, i) => file(`${i}.csv`)), PIECE);
  assert.deepEqual(states().map((state) => state === 'sending'), [true, true, true, ...Array(8).fill(false)]);
  await until(() => states().every((state) => state === 'whole'));
  assert.equal(there.opened, 11);
  assert.ok(there.together <= 3, `${there.together} at once`);
});

test('a file for which the server has no place yet waits until another one is gone', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  server(10);
  send(Array.from({ length: 11 }, (_, i) => file(`${i}.csv`)), PIECE);
  await until(() => states().filter((state) => state === 'whole').length === 10 && states()[10] === 'full');
  await sendings.value.all[0]!.drop();
  await until(() => (mock.timers.tick(100), states().every((state) => state === 'whole')));
  mock.timers.reset();
});

test('the same file chosen twice is one', async () => {
  const there = server();
  send([file('a.csv'), file('a.csv')], PIECE);
  send([file('a.csv'), file('a.csv', 7)], PIECE);
  await until(() => states().every((state) => state === 'whole'));
  assert.deepEqual([states().length, there.opened], [2, 2], 'another size is another file');
});

test('a paused file leaves its place to the next, and goes on when it is chosen again', async () => {
  const there = server();
  send(['a', 'b', 'c', 'd'].map((name) => file(name)), PIECE);
  sendings.value.all[0]!.pause();
  assert.deepEqual(states(), ['paused', 'sending', 'sending', 'sending']);
  send([file('a')], PIECE);
  await until(() => states().every((state) => state === 'whole'));
  assert.equal(there.open.size, 4);
});

test('what was paused while nobody answered is sent by one, not by two', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const there = server();
  there.away = true;
  send([file('a')], PIECE);
  const [one] = sendings.value.all;
  await until(() => one!.state === 'waiting');
  one!.pause();
  there.away = false;
  one!.queue();
  await until(() => (mock.timers.tick(100), one!.state === 'whole'));
  assert.deepEqual([there.opened, one!.sent], [1, 6]);
  mock.timers.reset();
});
