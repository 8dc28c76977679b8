import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type Colour = [number, number, number];

const TOKENS = readFileSync(new URL('../src/style/tokens.css', import.meta.url), 'utf-8');
const THEMES = ['light', 'dark'] as const;
const ALIKE = 12; // of CIE Lab: five times what an eye just sees side by side, since lines are thin and legends stand apart
const CONTRAST = 4.5;

/** What an eye without one of its cones makes of linear red, green and blue.  Machado, Oliveira and Fernandes 2009, severity 1. */
const EYES: Record<string, Colour[]> = {
  'all cones': [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const XYZ: Colour[] = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]];
const WHITE: Colour = [0.95047, 1, 1.08883]; // D65

const linear = (hex: string): Colour => [1, 3, 5].map((at) => {
  const share = parseInt(hex.slice(at, at + 2), 16) / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}) as Colour;
const times = (rows: Colour[], of: Colour): Colour => rows.map((row) => row[0] * of[0] + row[1] * of[1] + row[2] * of[2]) as Colour;
const shown = (of: Colour): Colour => of.map((part) => Math.min(1, Math.max(0, part))) as Colour;

function lab(of: Colour): Colour {
  const [x, y, z] = times(XYZ, of).map((part, i) => {
    const share = part / WHITE[i]!;
    return share > 216 / 24389 ? Math.cbrt(share) : (24389 / 27 * share + 16) / 116;
  }) as Colour;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** How far apart two colours are for an eye. */
function apart(one: string, other: string, eye: string): number {
  const [a, b] = [one, other].map((hex) => lab(shown(times(EYES[eye]!, linear(hex))))) as [Colour, Colour];
  return Math.hypot(...a.map((part, i) => part - b[i]!));
}

function contrast(one: string, other: string): number {
  const [low, high] = [one, other].map((hex) => times(XYZ, linear(hex))[1]).sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Of TOKEN in each theme. */
function colours(token: string): Record<(typeof THEMES)[number], string> {
  const [, light, dark] = new RegExp(`--${token}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(TOKENS) ?? [];
  assert.ok(light && dark, token);
  return { light, dark };
}

const SERIES = Array.from({ length: 8 }, (_, i) => colours(`series-${i + 1}`));

test('distances are those of CIE Lab, and what an eye without a cone cannot tell is near', () => {
  assert.ok(Math.abs(apart('#ffffff', '#000000', 'all cones') - 100) < 0.01);
  assert.ok(Math.abs(lab(linear('#ff0000'))[1] - 80.09) < 0.01);
  assert.ok(apart('#b35900', '#7a6a00', 'all cones') > 30 && apart('#b35900', '#7a6a00', 'protanopia') < 2);
  assert.ok(Math.abs(contrast('#767676', '#ffffff') - 4.54) < 0.01);
});

for (const theme of THEMES) {
  for (const eye of Object.keys(EYES)) {
    test(`no two series look alike with ${eye} in the ${theme} theme`, () => {
      const alike = SERIES.flatMap((one, i) => SERIES.slice(0, i).map((other, j) => [apart(one[theme], other[theme], eye), `${j + 1} and ${i + 1}`] as const));
      assert.deepEqual(alike.filter(([distance]) => distance < ALIKE), []);
    });
  }
  test(`each series can be read on the grounds of the ${theme} theme`, () => {
    for (const ground of ['ground', 'raised', 'below'].map(colours)) {
      for (const [i, series] of SERIES.entries()) assert.ok(contrast(series[theme], ground[theme]) >= CONTRAST, `series-${i + 1} on ${ground[theme]}`);
    }
  });
}
