import { portableSuite, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colludersInPool, poolCount, poolOf, toleratedPopulation } from './pools.js';

/** The least x with Pr[Binomial(m, 1/P) > x] ≤ 2^-60, in exact rationals. */
function exactColluders(m: number, pools: number): number {
  const [M, P] = [BigInt(m), BigInt(pools)];
  const limit = P ** M;
  let choose = 1n;
  let tail = 0n;
  // From x = m down: choose = C(m, x).
  for (let x = M; x > 0n; x--) {
    tail += choose * (P - 1n) ** (M - x);
    if (tail * 2n ** 60n > limit) return Number(x);
    choose = (choose * x) / (M - x + 1n);
  }
  return 0;
}

/** log₂ Pr[Binomial(m, 1/P) > x], in exact rationals to the last step. */
function log2Exceeds(m: number, pools: number, x: number): number {
  const [M, P] = [BigInt(m), BigInt(pools)];
  let choose = 1n;
  let tail = 0n;
  for (let y = M; y > BigInt(x); y--) {
    tail += choose * (P - 1n) ** (M - y);
    choose = (choose * y) / (M - y + 1n);
  }
  // Enough digits for a double: what is left of the quotient after 2^128.
  return Math.log2(Number((tail << 128n) / P ** M)) - 128;
}

describe('pools', () => {
  test('P = max(1, ⌊N / (3·max)⌋)', () => {
    const counts = [0, 1, 299, 300, 599, 600, 30_000].map((enrolled) => poolCount(enrolled, 100));
    expect(counts).toEqual([1, 1, 1, 1, 1, 2, 100]);
    expect(poolCount(300_000, 1000)).toBe(100);
  });

  test('both suites put a pseudonym into the same pool', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.integer({ min: 1, max: 0xffff_ffff }),
        (value, pseudonym, pools) => {
          const pool = poolOf(nativeSuite, value, pseudonym, pools);
          expect(poolOf(portableSuite, value, pseudonym, pools)).toBe(pool);
          expect(Number.isInteger(pool) && pool >= 0 && pool < pools).toBe(true);
        },
      ),
    );
  });

  test('pools fill evenly, and another value deals anew', () => {
    const rng = unsafeSeededRng('pools');
    const [pools, devices] = [8, 3200];
    const values = [rng(32), rng(32)];
    const counts = values.map(() => new Array<number>(pools).fill(0));
    let same = 0;
    for (let i = 0; i < devices; i++) {
      const pseudonym = rng(32);
      const drawn = values.map((value) => poolOf(nativeSuite, value, pseudonym, pools));
      drawn.forEach((pool, v) => {
        const row = counts[v];
        if (row !== undefined) row[pool] = (row[pool] ?? 0) + 1;
      });
      same += Number(drawn[0] === drawn[1]);
    }
    // 400 each, σ ≈ 19: five σ.
    for (const count of [...counts.flat(), same]) {
      expect(Math.abs(count - devices / pools)).toBeLessThan(95);
    }
  });
});

describe('colluders in one pool', () => {
  test.each([2, 3, 7, 20, 100])('%i pools: equal to exact arithmetic', (pools) => {
    for (const m of [0, 1, 2, 5, 10, 30, 59, 60, 61, 100, 173, 300]) {
      expect([m, colludersInPool(m, pools, 1_000_000)]).toEqual([m, exactColluders(m, pools)]);
    }
  });

  test('one pool can hold them all, and their number is rounded up', () => {
    expect(colludersInPool(1000, 1, 1000)).toBe(1);
    expect(colludersInPool(1001, 1, 1000)).toBe(2);
    expect(colludersInPool(1001, 1, 0)).toBe(0);
    // 0.999999·N rounded in floating point would be one short.
    expect(colludersInPool(9_007_199, 1, 999_999)).toBe(9_007_190);
  });

  test('the bound is for one pool: some pool of a window exceeds it P times as often', () => {
    // docs/security-argument.md quotes 2^-61.8 and 2^-55.1 for this population.
    const [colluders, pools] = [1110, 100];
    const covered = colludersInPool(300_000, pools, 3700);
    expect(covered).toBe(51);
    expect(log2Exceeds(colluders, pools, covered)).toBeCloseTo(-61.8, 1);
    expect(log2Exceeds(colluders, pools, covered) + Math.log2(pools)).toBeCloseTo(-55.1, 1);
  });

  test('grows with the population', () => {
    const row = [0, 10, 100, 1000, 10_000].map((perMillion) =>
      colludersInPool(300_000, 100, perMillion),
    );
    expect(row).toEqual([...row].sort((a, b) => a - b));
    expect(row[0]).toBe(0);
    expect(row[4]).toBeGreaterThan(30);
  });
});

describe('the tolerated population', () => {
  // The design's own figures for N = 300,000 and n = max = 1000.
  test.each([
    [50, 0.0037],
    [100, 0.012],
  ])('γ = %i ‰ tolerates about %d of the enrolled', (corrupt, share) => {
    const tolerated = toleratedPopulation(1000, corrupt, 300_000, 1000);
    expect(Math.abs(tolerated / 1e6 - share) / share).toBeLessThan(0.03);
  });

  test.each([
    [1000, 50, 300_000, 1000],
    [100, 100, 3000, 100],
    [3, 10, 3, 3],
    [100, 0, 30_000, 100],
  ])(
    'n = %i, γ = %i ‰, N = %i, max = %i: the next larger one is not covered',
    (n, corrupt, N, max) => {
      const tolerated = toleratedPopulation(n, corrupt, N, max);
      const pools = poolCount(N, max);
      const A = Math.ceil((n * corrupt) / 1000);
      expect(tolerated).toBeGreaterThanOrEqual(0);
      expect(colludersInPool(N, pools, tolerated)).toBeLessThanOrEqual(A);
      expect(colludersInPool(N, pools, tolerated + 1)).toBeGreaterThan(A);
    },
  );

  test('everyone, if A covers everyone', () => {
    expect(toleratedPopulation(10, 999, 10, 10)).toBe(1_000_000);
  });
});
