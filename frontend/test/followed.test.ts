import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Followed } from '../src/api/followed.ts';

/** A log that grows, whose answers come when they are let. */
function log() {
  const waiting: (() => void)[] = [];
  const it = {
    text: '', asked: 0,
    ask: (at: number) => new Promise<{ text: string; next: number }>((resolve) => {
      it.asked++;
      waiting.push(() => resolve({ text: it.text.slice(at, at + 4), next: Math.min(it.text.length, at + 4) }));
    }),
    answer: async () => {
      for (let next; (next = waiting.shift());) {
        next();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  return it;
}

test('what is looked for twice at once is read once', async () => {
  const there = log();
  let got = '';
  const here = new Followed(there.ask, (text) => (got += text));
  there.text = 'abcdefghij';
  void here.look();
  void here.look();
  assert.equal(there.asked, 1);
  await there.answer();
  assert.equal(got, 'abcdefghij');
});

test('what is said while it is read is read, too', async () => {
  const there = log();
  let got = '';
  const here = new Followed(there.ask, (text) => {
    got += text;
    if (got === 'abcd') there.text += 'ef';
  });
  there.text = 'abcd';
  void here.look();
  await there.answer();
  there.text += 'gh';
  void here.look();
  await there.answer();
  assert.equal(got, 'abcdefgh');
});

test('after a break it goes on where it was', async () => {
  let got = '';
  let away = true;
  const here = new Followed((at) => (away ? Promise.reject(new Error('no line')) : Promise.resolve({ text: 'abc'.slice(at), next: 3 })), (text) => (got += text));
  await here.look();
  away = false;
  await here.look();
  await here.look();
  assert.equal(got, 'abc');
});
