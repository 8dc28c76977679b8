import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lowerIsBetter } from '../src/chart/names.ts';
import { csvOf } from '../src/pages/compare/csv.ts';
import { against, bestOf, figuresOf, placesOf, settingsOf, summed, without, type Compared } from '../src/pages/compare/rows.ts';

const figure = (value: number, least: number, greatest: number) => ({ value, at: 9, count: 10, least, least_at: 3, greatest, greatest_at: 5 });
const run = (id: number, settings: object, figures: object): Compared => ({
  id, label: `=run ${id}`, step: 'train', state: 'finished', started: '2026-01-01T00:00:00', ended: null, seconds: 1, metrics: {}, output: null, error: null, host: 'here',
  task: { step: 'train', settings, inputs: { examples: 'e' }, seed: 0 }, figures,
} as unknown as Compared);
const runs = [
  run(5, { model: { use: 'mlp', revision: 1, width: 64 }, clip: 1 }, { loss: figure(0.3, 0.2, 0.9) }),
  run(7, { model: { use: 'linear', revision: 2 }, clip: 1 }, { loss: figure(0.1, 0.1, 0.8), valid_roc_auc: figure(0.7, 0.5, 0.8) }),
];

test('only what differs stands first; what goes with another setting is not told', () => {
  const { different, same } = settingsOf(runs);
  assert.deepEqual(different, [{ name: 'model.use', values: ['mlp', 'linear'] }, { name: 'model.width', values: ['64', undefined] }]);
  assert.deepEqual(same.map(({ name }) => name), ['step', 'clip', 'input.examples', 'seed']);
});

test('the best of a loss is its least, of a score its greatest, with the place where it was', () => {
  assert.deepEqual(summed('loss', runs[0]!.figures['loss'], 'best'), { value: 0.2, at: 3 });
  assert.deepEqual(summed('valid_roc_auc', runs[1]!.figures['valid_roc_auc'], 'best'), { value: 0.8, at: 5 });
  assert.deepEqual(summed('loss', runs[0]!.figures['loss'], 'last'), { value: 0.3, at: 9 });
  assert.equal(summed('loss', undefined, 'least'), null);
  for (const name of ['loss', 'valid_loss', 'train/log_loss', 'rmse', 'p99_ms', 'size_mb', 'seconds_left']) assert.ok(lowerIsBetter(name), name);
  for (const name of ['accuracy', 'valid_roc_auc', 'f1', 'r2', 'rows_per_s', 'width']) assert.ok(!lowerIsBetter(name), name);
});

test('a difference to the baseline says whether it is better, and nothing where there is none', () => {
  assert.deepEqual(against('loss', 0.25, 0.5), { by: -0.25, better: true });
  assert.deepEqual(against('accuracy', 0.25, 0.5), { by: -0.25, better: false });
  assert.equal(against('loss', 0.5, 0.5), null);
  assert.equal(against('loss', undefined, 0.5), null);
  assert.equal(bestOf('loss', [0.3, 0.1, undefined]), 1);
  assert.equal(bestOf('accuracy', [0.3, 0.1]), 0);
  assert.equal(bestOf('loss', [0.3]), -1);
  assert.equal(bestOf('loss', [0.3, 0.3]), -1);
});

test('figures that more runs have come first', () => assert.deepEqual(figuresOf(runs), ['loss', 'valid_roc_auc']));

test('a run that is taken out leaves its place empty, so that the others keep their colours', () => {
  assert.deepEqual([...placesOf('5,7,5,x,,9')], [[5, 0], [7, 1], [9, 5]]);
  assert.equal(without('5,7,9', 7), '5,,9');
  assert.equal(without('5,,9', 9), '5');
  assert.deepEqual([...placesOf(without('5,7', 5))], [[7, 1]]);
});

test('the table as CSV has a line for each run, and no cell is a formula', () => {
  const lines = csvOf(runs, ['loss'], 'best').split('\r\n');
  assert.equal(lines[0], 'run,label,step,state,started,seconds,memory_gb,loss best,model.use,model.width,step,clip,input.examples,seed');
  assert.ok(lines[1]!.startsWith("5,'=run 5,train,finished"), lines[1]);
  assert.equal(lines.length, 4);
});
