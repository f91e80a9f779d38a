import { type Rng, unsafeSeededRng } from '@onlysum/crypto';
import type { NoiseScale } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { chiSquaredScore } from '../../../../test/noise/chi-squared.js';
import { logDiscreteLaplace, logSkellam } from '../../../../test/noise/distributions.js';
import { drawNoise } from './noise.js';

const skellam = (numerator: bigint, denominator: bigint): NoiseScale => ({
  mechanism: 'skellam',
  variance: { numerator, denominator },
});
const laplace = (numerator: bigint, denominator: bigint): NoiseScale => ({
  mechanism: 'discrete-laplace',
  rate: { numerator, denominator },
});

const TARGETS = [
  { noise: skellam(25n, 4n), honest: 1, logs: logSkellam(6.25, 80) },
  { noise: skellam(25n, 4n), honest: 3, logs: logSkellam(6.25, 80) },
  { noise: skellam(401n, 2n), honest: 10, logs: logSkellam(200.5, 300) },
  { noise: skellam(1n, 2n), honest: 50, logs: logSkellam(0.5, 40) },
  { noise: laplace(1n, 1n), honest: 1, logs: logDiscreteLaplace(Math.exp(-1), 60) },
  { noise: laplace(1n, 2n), honest: 3, logs: logDiscreteLaplace(Math.exp(-0.5), 100) },
  { noise: laplace(1n, 20n), honest: 7, logs: logDiscreteLaplace(Math.exp(-0.05), 800) },
  { noise: laplace(3n, 10n), honest: 50, logs: logDiscreteLaplace(Math.exp(-0.3), 200) },
];

describe('the shares of the honest devices add up to the target', () => {
  test.each(TARGETS)('$noise.mechanism over $honest, case %#', ({ noise, honest, logs }) => {
    const draws = Math.ceil(20_000 / Math.sqrt(honest));
    const lanes = Array.from({ length: draws }, () => ({ noise }));
    const totals = new Array<number>(draws).fill(0);
    for (let device = 0; device < honest; device++) {
      const rng = unsafeSeededRng(`${noise.mechanism} ${honest} ${device}`);
      for (const [i, share] of drawNoise(lanes, honest, rng).entries()) totals[i]! += share;
    }
    const reach = logs.length - 1;
    const masses = Array.from({ length: 2 * reach + 1 }, (_, i) =>
      Math.exp(logs[Math.abs(i - reach)]!),
    );
    const cells = totals.map((total) => total + reach);
    const { score, freedom } = chiSquaredScore(masses, cells);
    expect(freedom).toBeGreaterThanOrEqual(4);
    expect(score).toBeLessThan(4);
  });
});

describe('drawing', () => {
  const lanes = [
    { noise: skellam(100n, 1n) },
    {},
    { noise: undefined },
    { noise: laplace(1n, 9n) },
  ];

  test('leaves lanes without noise at 0, and repeats with the seed', () => {
    const draw = (seed: string) => [...drawNoise(lanes, 1, unsafeSeededRng(seed))];
    const seeds = Array.from({ length: 20 }, (_, i) => `seed ${i}`);
    const drawn = seeds.map(draw);
    expect(drawn).toEqual(seeds.map(draw));
    expect(drawn.every(([, a, b]) => a === 0 && b === 0)).toBe(true);
    expect(new Set(drawn.map(([a]) => a)).size).toBeGreaterThan(5);
    expect(new Set(drawn.map(([, , , d]) => d)).size).toBeGreaterThan(5);
  });

  test('needs no randomness where there is no noise', () => {
    const none: Rng = () => {
      throw new Error('nothing may be drawn');
    };
    expect([...drawNoise([{}, {}], 5, none)]).toEqual([0, 0]);
  });

  test('wipes the randomness it fetched, also when it fails', () => {
    const chunks: Uint8Array[] = [];
    const seeded = unsafeSeededRng('wipe');
    const rng: Rng = (length) => {
      const chunk = seeded(length);
      chunks.push(chunk);
      return chunk;
    };
    drawNoise(lanes, 1, rng);
    expect(() => drawNoise([...lanes, { noise: laplace(-1n, 1n) }], 1, rng)).toThrow(/^rate:/);
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
  });

  test.each([0, 1.5, Number.NaN])('refuses %d honest devices', (honest) => {
    expect(() => drawNoise(lanes, honest, unsafeSeededRng(''))).toThrow(/^honest: expected/);
  });
});
