import { compileLayout, noiseShares, noiseVariance, type Privacy } from '@onlysum/task';
import { expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { estimateTotals } from './estimate.js';
import { addSums, canDivideBy, countEstimate, deviatesOf, shareEstimate } from './estimated.js';

const scope = { survivors: 100, deviates: deviatesOf('skellam') };
const sum = (value: number, variance: number) => ({ sum: BigInt(value), variance });

test('a count: two standard errors to each side, ends at whole numbers within what can be', () => {
  expect(countEstimate(sum(50, 16), scope)).toEqual({
    value: 50,
    standardError: 4,
    interval: [42, 58],
  });
  expect(countEstimate(sum(-3, 16), scope)).toMatchObject({ value: -3, interval: [0, 5] });
  expect(countEstimate(sum(-30, 16), scope)).toMatchObject({ value: -30, interval: [0, 0] });
  expect(countEstimate(sum(99, 16), scope)).toMatchObject({ value: 99, interval: [91, 100] });
  // Of noise this small, 1 is the most in 99 of 100 draws.
  expect(countEstimate(sum(50, 0.25), scope)).toMatchObject({ interval: [49, 51] });
  expect(countEstimate(sum(50, 0), scope)).toMatchObject({ interval: [50, 50] });
});

test('Laplace noise has longer tails, so its intervals are wider', () => {
  const laplace = deviatesOf('discrete-laplace');
  // A Laplace variable of variance 1 is beyond x with probability e^(−√2·x).
  expect(Math.exp(-Math.SQRT2 * laplace)).toBeCloseTo(0.05, 12);
  expect(countEstimate(sum(50, 100), { ...scope, deviates: laplace }).interval).toEqual([29, 71]);
});

test('a share by the delta method, and none where the whole is mostly noise', () => {
  const share = shareEstimate(sum(30, 4), sum(60, 9), 0, scope);
  // (4 + 0.25 · 9) / 60²
  expect(share.standardError).toBeCloseTo(Math.sqrt(4 + 2.25) / 60, 12);
  expect(share.interval[1] - 0.5).toBeCloseTo((1.959964 * 2.5) / 60, 12);
  expect(shareEstimate(sum(70, 4), sum(60, 9), 0, scope)).toMatchObject({
    value: 70 / 60,
    interval: [1, 1],
  });
  expect(shareEstimate(sum(9, 4), sum(14, 9), 0, scope)).toEqual({
    value: null,
    standardError: null,
    interval: [0, 1],
  });
  expect(canDivideBy(sum(15, 9))).toBe(true);
  expect(canDivideBy(sum(14, 9))).toBe(false);
  expect(canDivideBy(sum(0, 0))).toBe(false);
  expect(canDivideBy(sum(-5, 0))).toBe(false);
});

test('independent noise adds up in its variance', () => {
  expect(addSums([sum(3, 4), sum(-5, 9)])).toEqual(sum(-2, 13));
});

const privacy: Privacy = {
  mechanism: 'skellam',
  epsilon: '10',
  delta: '0.000001',
  neighbours: 'zero',
  budget: { epsilon: '10', delta: '0.000001', days: 1 },
};

test('noise is that of the survivors: s shares of 1/h', () => {
  const assumptions = { corrupt: 100, dropout: 200, population: 0 };
  const manifest = everyKind({ privacy, assumptions });
  const layout = compileLayout(manifest);
  const lane = layout.lanes.find(({ label }) => label === 'licensed.value');
  const sums = layout.lanes.map(({ role }) => (role === 'reported' ? 300 : 200));
  expect(noiseShares(manifest)).toBe(280);
  for (const survivors of [320, 400]) {
    const { metrics } = estimateTotals(manifest, layout, sums, { devices: 400, survivors });
    const expected = (noiseVariance(lane!.noise!) * survivors) / 280;
    const { licensed } = metrics;
    if (licensed?.kind !== 'flag' || 'suppressed' in licensed) throw new Error('expected a flag');
    expect(licensed.yes.standardError ** 2).toBeCloseTo(expected, 9);
  }
});
