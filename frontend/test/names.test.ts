import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMachine, isOwnUse, isSpeed, keyOf, machineCharts, panels, unitOf } from '../src/chart/names.ts';
import { changed, flat } from '../src/parts/flat.ts';
import { allows } from '../src/parts/rights.ts';
import { windowOf } from '../src/parts/window.ts';
import { GROUPS, routeOf, ROUTES } from '../src/routes.ts';
import { existsSync, readFileSync } from 'node:fs';

const names = ['epoch_rows_per_s', 'loss', 'rows_per_s', 'seconds_left', 'valid_loss', 'valid_roc_auc'];

test('a run is judged by a metric of its validation rows, else by a loss, by speed only where there is nothing else', () => {
  assert.equal(keyOf(names), 'valid_roc_auc');
  assert.equal(keyOf(['loss', 'seconds_left', 'valid_loss']), 'valid_loss');
  assert.equal(keyOf(['rows_per_s', 'loss']), 'loss');
  assert.equal(keyOf(['seconds_left', 'rows_per_s']), 'rows_per_s');
  assert.equal(keyOf([]), null);
  assert.equal(keyOf(['machine/cpu_percent', 'rows_per_s']), 'rows_per_s');
  assert.equal(keyOf(['machine/cpu_percent']), null, 'what its machine did is nothing that a run is judged by');
});

test('training and validation of one subject share a chart', () => {
  assert.deepEqual(panels(names.filter((name) => !isSpeed(name))), [{ title: 'loss', names: ['loss', 'valid_loss'] }, { title: 'roc_auc', names: ['valid_roc_auc'] }]);
});

test('figures of speed stand apart and have their units', () => {
  assert.deepEqual(names.filter(isSpeed), ['epoch_rows_per_s', 'rows_per_s', 'seconds_left']);
  assert.deepEqual(['rows_per_s', 'seconds_left', 'p99_ms', 'loss'].map(unitOf), ['rows/s', 's', 'ms', '']);
});

test('what the machine did has charts of its own, with units, of what there is', () => {
  const told = ['loss', 'machine/cpu_percent', 'machine/memory_gb', 'machine/read_mb_per_s', 'machine/run_cpu_percent', 'machine/unheard_of', 'rows_per_s'];
  assert.deepEqual(machineCharts(told).map(({ title, unit, lines }) => [title, unit, ...lines.values()]), [
    ['Processors', '% of all cores', 'this run', 'whole machine'], ['Memory', 'GB', 'whole machine'], ['Disks', 'MB/s', 'read by this run'],
  ]);
  assert.deepEqual(machineCharts(['loss']), []);
  assert.deepEqual(told.filter(isMachine).map(unitOf), ['%', 'GB', 'MB/s', '%', '']);
  assert.deepEqual(told.filter(isOwnUse), ['machine/run_cpu_percent']);
  assert.ok(told.filter(isMachine).every(isSpeed) && !isMachine('machinery/loss'));
});

test('nobody may do what the server has not granted', () => {
  const viewer = { role: 'viewer', permissions: ['runs.see'] };
  assert.ok(allows(viewer, 'runs.see'));
  assert.ok(allows(viewer));
  assert.ok(!allows(viewer, 'runs.stop'));
  assert.ok(!allows({ role: 'admin', permissions: [] }, 'runs.stop'), 'a role by itself grants nothing');
  assert.ok(!allows(null, ''));
  assert.ok(!allows(undefined));
});

test('only rows in view and a few around them are drawn, at any place of any list', () => {
  for (const count of [0, 1, 20, 5000]) {
    for (const scrolled of [-50, 0, 999, 139_000, 1e9]) {
      const { from, to } = windowOf(scrolled, 600, 28, count);
      assert.ok(from >= 0 && to <= count && to - from <= 600 / 28 + 18, `${count} ${scrolled}: ${from}..${to}`);
    }
  }
  const { from, to } = windowOf(2800, 600, 28, 5000);
  assert.ok(from <= 100 && to >= 122);
});

test('settings have the names that errors call them by', () => {
  assert.deepEqual(flat({ recipe: { lr: 0.1, hidden: [64, 32] }, passes: [{ use: 'prune' }], on: true }), [
    ['recipe.lr', '0.1'], ['recipe.hidden', '[64,32]'], ['passes[0].use', 'prune'], ['on', 'true'],
  ]);
});

test('an entry of the audit says what is another now, and of an act how it ended', () => {
  assert.equal(changed({ before: { role: 'viewer', name: 'eve' }, after: { role: 'admin', name: 'eve' } }), 'role: viewer → admin');
  assert.equal(changed({ before: 64, after: 32 }), '64 → 32');
  assert.equal(changed({ before: 64, after: { asked: 32 } }), '64 → 32 (asked for; how it ended is not known)');
  assert.equal(changed({ before: 64, after: { asked: 32, failed: 'nobody answers' } }), '64 → 32 (failed: nobody answers)');
});

test('every page has a file, a known group and an icon where it stands in the rail', () => {
  for (const route of ROUTES) {
    const file = /import\('(.+?)'\)/.exec(route.page.toString())![1]!;
    assert.ok(existsSync(new URL(`../src/${file}`, import.meta.url)), file);
    if (route.group !== undefined) assert.ok(GROUPS.includes(route.group) && route.icon, route.path);
    assert.equal(routeOf(route.path.replace(/:\w+/g, '1'))?.route, route, route.path);
  }
  assert.equal(routeOf('/nothing'), null);
});

test('text on the ground and lines of charts can be read in both themes', () => {
  const tokens = readFileSync(new URL('../src/style/tokens.css', import.meta.url), 'utf-8');
  const pairs = Object.fromEntries([...tokens.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [name, [light!, dark!]]));
  const words = ['text', 'muted', 'accent', 'good', 'warning', 'bad'];
  const series = Array.from({ length: 8 }, (_, i) => `series-${i + 1}`);
  for (const theme of [0, 1]) {
    for (const ground of ['ground', 'below', 'raised']) {
      for (const word of ground === 'ground' ? [...words, ...series] : words) {
        const found = contrast(pairs[word]![theme]!, pairs[ground]![theme]!);
        assert.ok(found >= 4.5, `${word} on ${ground}, theme ${theme}: ${found.toFixed(2)}`);
      }
    }
    for (const ground of ['hover', 'chosen', 'bad-ground', 'warning-ground']) assert.ok(contrast(pairs['muted']![theme]!, pairs[ground]![theme]!) >= 4.5, `muted on ${ground}, theme ${theme}`);
    assert.ok(contrast(pairs['on-accent']![theme]!, pairs['accent']![theme]!) >= 4.5);
    assert.ok(contrast(pairs['edge']![theme]!, pairs['ground']![theme]!) >= 3);
  }
});

/** WCAG 2.2, relative luminance. */
function contrast(a: string, b: string): number {
  const light = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i]!, 0);
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
