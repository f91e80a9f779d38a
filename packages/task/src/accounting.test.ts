import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logSkellam } from '../../../test/noise/distributions.js';
import {
  addCosts,
  epsilonOf,
  GRAPH_FAILURE,
  laplaceEpsilon,
  laplaceSigma,
  NO_COST,
  pureCost,
  renyiBound,
  skellamCost,
  skellamEpsilon,
  skellamSigma,
} from './accounting.js';

describe('costs', () => {
  test('of independent releases add up', () => {
    const a = skellamCost({ l1: 2, l2Squared: 3, variance: 5 });
    expect(a).toEqual({ ...NO_COST, linear: 0.3, quadratic: 0.03, constant: 0.12, cap: 0.6 });
    expect(pureCost(0.5)).toEqual({ ...NO_COST, pure: 0.5, pureSquares: 0.125 });
    expect(addCosts()).toEqual(NO_COST);
    expect(addCosts(a, pureCost(0.5), a)).toEqual({
      linear: 0.6,
      quadratic: 0.06,
      constant: 0.24,
      cap: 1.2,
      pure: 0.5,
      pureSquares: 0.125,
    });
  });

  test('together are never below the sum of their own bounds', () => {
    const cost = fc.oneof(
      fc
        .record({
          l1: fc.integer({ min: 1, max: 1000 }),
          variance: fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        })
        .map(({ l1, variance }) => skellamCost({ l1, l2Squared: l1, variance })),
      fc.double({ min: 1e-3, max: 20, noNaN: true }).map(pureCost),
    );
    fc.assert(
      fc.property(
        fc.array(cost, { maxLength: 5 }),
        fc.integer({ min: 2, max: 500 }),
        (costs, a) => {
          const apart = costs.reduce((sum, one) => sum + renyiBound(one, a), 0);
          expect(renyiBound(addCosts(...costs), a)).toBeGreaterThanOrEqual(apart * (1 - 1e-12));
        },
      ),
    );
  });
});

describe('epsilon of a cost', () => {
  test('is the minimum over the orders', () => {
    const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 20 });
    const orders = Array.from({ length: 1023 }, (_, i) => i + 2);
    const least = Math.min(
      ...orders.map(
        (a) =>
          renyiBound(cost, a) + Math.log((a - 1) / a) - (Math.log(1e-6) + Math.log(a)) / (a - 1),
      ),
    );
    expect(epsilonOf(cost, 1e-6)).toBeCloseTo(least, 12);
  });

  test('of pure mechanisms is at most their sum, and less where many compose', () => {
    expect(epsilonOf(pureCost(0.5), 1e-9)).toBe(0.5);
    expect(epsilonOf(pureCost(0.5), 0)).toBe(0.5);
    const many = addCosts(...Array.from({ length: 400 }, () => pureCost(0.01)));
    expect(epsilonOf(many, 0)).toBeCloseTo(4, 10);
    expect(epsilonOf(many, 1e-6)).toBeLessThan(1.1);
  });

  test('is 0 for nothing, never below, and unbounded for Skellam without a delta', () => {
    expect(epsilonOf(NO_COST, 0)).toBe(0);
    expect(epsilonOf(NO_COST, 1e-6)).toBe(0);
    const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 1e9 });
    expect(epsilonOf(cost, 0.9)).toBe(0);
    expect(epsilonOf(cost, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(epsilonOf(addCosts(cost, pureCost(1)), 0)).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([-1e-9, 1, Number.NaN])('refuses delta %d', (delta) => {
    expect(() => epsilonOf(NO_COST, delta)).toThrow(/^delta: expected a number from 0, below 1/);
  });
});

describe('sigma', () => {
  test.each([
    { epsilon: 0.5, l1: 1, l2: 1, sigma: '8.74' },
    { epsilon: 1, l1: 1, l2: 1, sigma: '4.65' },
    { epsilon: 2, l1: 1, l2: 1, sigma: '2.59' },
    { epsilon: 4, l1: 1, l2: 1, sigma: '1.50' },
    { epsilon: 0.5, l1: 2, l2: Math.SQRT2, sigma: '12.31' },
    { epsilon: 1, l1: 2, l2: Math.SQRT2, sigma: '6.49' },
  ])('Skellam: $sigma for epsilon $epsilon, l1 $l1', ({ epsilon, l1, l2, sigma }) => {
    const found = skellamSigma({ epsilon, delta: 1e-6, l1, l2, windows: 1 });
    expect(found.toFixed(2)).toBe(sigma);
  });

  test('Skellam: the least that costs no more than was asked', () => {
    fc.assert(
      fc.property(
        fc.record({
          epsilon: fc.double({ min: 0.05, max: 20, noNaN: true }),
          delta: fc.constantFrom(1e-5, 1e-8, 1e-10),
          l1: fc.integer({ min: 1, max: 1000 }),
          windows: fc.integer({ min: 1, max: 365 }),
        }),
        ({ epsilon, ...rest }) => {
          const releases = { ...rest, l2: Math.sqrt(rest.l1) };
          const sigma = skellamSigma({ ...releases, epsilon });
          expect(skellamEpsilon({ ...releases, sigma })).toBeLessThanOrEqual(epsilon);
          expect(skellamEpsilon({ ...releases, sigma: sigma * (1 - 1e-9) })).toBeGreaterThan(
            epsilon,
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  test('Skellam: windows compose, and each sets 2^-44 of delta aside', () => {
    const release = { sigma: 30, l1: 3, l2: 2 };
    const once = skellamCost({ l1: 3, l2Squared: 4, variance: 900 });
    const delta = 4 * GRAPH_FAILURE;
    expect(GRAPH_FAILURE).toBe(2 ** -44);
    expect(skellamEpsilon({ ...release, delta, windows: 3 })).toBeCloseTo(
      epsilonOf(addCosts(once, once, once), GRAPH_FAILURE),
      12,
    );
    expect(() => skellamEpsilon({ ...release, delta, windows: 4 })).toThrow(/^delta: expected/);
  });

  test('Skellam: says which epsilon no noise reaches', () => {
    const releases = { delta: 1e-6, l1: 1, l2: 1, windows: 1 };
    expect(() => skellamSigma({ ...releases, epsilon: 0.005 })).toThrow(
      /^epsilon: expected more than 0\.0057\d+, the least with this delta, got 0\.005$/,
    );
    expect(skellamSigma({ ...releases, epsilon: 0.006 })).toBeGreaterThan(1000);
  });

  test('discrete Laplace: the standard deviation, and back', () => {
    for (const [epsilon, windows, l1] of [
      [1, 1, 1],
      [0.5, 7, 3],
      [20, 1, 1],
      [1e-3, 365, 1000],
    ] as const) {
      const p = Math.exp(-epsilon / (windows * l1));
      const sigma = laplaceSigma({ epsilon, l1, windows });
      expect(sigma / (Math.sqrt(2 * p) / (1 - p))).toBeCloseTo(1, 7);
      expect(laplaceEpsilon({ sigma, l1, windows }) / epsilon).toBeCloseTo(1, 12);
    }
    expect(laplaceSigma({ epsilon: Math.LN2, l1: 1, windows: 1 })).toBeCloseTo(2, 14);
  });

  test.each([
    ['epsilon', { epsilon: 0 }],
    ['delta', { delta: 0 }],
    ['delta', { delta: 1 }],
    ['l1', { l1: -1 }],
    ['l2', { l2: 2 }],
    ['windows', { windows: 1.5 }],
    ['windows', { windows: 0 }],
  ] as const)('refuses a wrong %s', (field, wrong) => {
    const right = { epsilon: 1, delta: 1e-6, l1: 1, l2: 1, windows: 1 };
    expect(() => skellamSigma({ ...right, ...wrong })).toThrow(new RegExp(`^${field}: expected`));
  });
});

describe('the bound for Skellam against the exact divergence', () => {
  const VARIANCES = [0.05, 0.2, 0.5, 1, 2, 5, 10, 25, 100];
  const ORDERS = [2, 3, 4, 5, 8, 12, 20, 32, 64, 128, 256, 512, 1024];

  test.each(VARIANCES)('one lane, variance %d', (variance) => {
    for (const shift of [1, 2, 3, 5, 10, 30]) {
      const bound = skellamCost({ l1: shift, l2Squared: shift * shift, variance });
      for (const order of ORDERS) {
        expect(
          divergence(variance, shift, order),
          `shift ${shift}, order ${order}`,
        ).toBeLessThanOrEqual(renyiBound(bound, order) * (1 + 1e-9));
      }
    }
  });

  test.each(VARIANCES)('two lanes, variance %d', (variance) => {
    for (const [a, b] of [
      [1, 1],
      [1, 2],
      [3, 1],
      [5, 5],
    ] as const) {
      const bound = skellamCost({ l1: a + b, l2Squared: a * a + b * b, variance });
      for (const order of ORDERS) {
        const exact = divergence(variance, a, order) + divergence(variance, b, order);
        expect(exact, `shifts ${a}, ${b}, order ${order}`).toBeLessThanOrEqual(
          renyiBound(bound, order) * (1 + 1e-9),
        );
      }
    }
  });

  test('it is near the divergence where noise is wide', () => {
    const bound = skellamCost({ l1: 1, l2Squared: 1, variance: 100 });
    expect(renyiBound(bound, 8) / divergence(100, 1, 8)).toBeLessThan(1.05);
  });
});

/** D_α of Skellam noise shifted by `shift` from itself: ln(Σ P^α·Q^(1−α))/(α − 1). */
function divergence(variance: number, shift: number, order: number): number {
  // The mass of P^α·Q^(1−α) lies around α·shift on one side.
  const reach = Math.ceil(200 + 3 * order * shift + 20 * Math.sqrt(variance));
  const logs = cachedLogs(variance, reach + shift + 1);
  const at = (k: number): number => logs[Math.abs(k)]!;
  const terms: number[] = [];
  for (let k = -reach; k <= reach; k++) terms.push(order * at(k) + (1 - order) * at(k - shift));
  const largest = terms.reduce((a, b) => Math.max(a, b));
  // Nothing is left out at the ends.
  expect(Math.max(terms[0]!, terms.at(-1)!)).toBeLessThan(largest - 50);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return (largest + Math.log(sum)) / (order - 1);
}

const logsOf = new Map<number, Float64Array>();
function cachedLogs(variance: number, count: number): Float64Array {
  let logs = logsOf.get(variance);
  if (logs === undefined || logs.length < count) {
    logs = logSkellam(variance, 2 * count);
    logsOf.set(variance, logs);
  }
  return logs;
}
