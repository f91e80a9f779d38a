import { RoundError } from '@onlysum/crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import rows from '../../../test/vectors/v1/graph-parameters.json' with { type: 'json' };
import { logAdd } from './log-combinatorics.js';
import {
  COMPLETE_MAX,
  type GraphParameters,
  graphParameters,
  logApart,
  logInward,
  mostNeighbours,
  rosterParameters,
} from './parameters.js';

const infeasible = (...names: readonly string[]) =>
  expect.objectContaining({
    code: 'parameters-infeasible',
    message: expect.stringMatching(names.map((name) => `(?=.*${name})`).join('')),
  });

describe('the reference values', () => {
  test('are many, on tables and complete', () => {
    expect(rows).toHaveLength(99);
    const tables = rows.filter(({ graph }) => graph === 'tables');
    expect(tables.length).toBeGreaterThan(40);
    expect(rows.length - tables.length).toBeGreaterThan(20);
  });

  test.each(rows)(
    'n = $n, γ = $corruptPerMille ‰, δ = $dropoutPerMille ‰: $graph, k = $k, t = $t',
    ({ n, corruptPerMille, dropoutPerMille, graph, k, t }) => {
      const found = graphParameters(n, corruptPerMille, dropoutPerMille);
      expect({ graph: found.graph, n: found.n, k: found.k, t: found.t }).toEqual({
        graph,
        n,
        k,
        t,
      });
    },
  );
});

describe('tables', () => {
  const sizes = fc.record({
    n: fc.integer({ min: 3, max: 400 }),
    corrupt: fc.integer({ min: 0, max: 120 }),
    dropout: fc.integer({ min: 0, max: 200 }),
  });

  test('have an even k of at most n / 4, a majority as threshold, and t₁ below it', () => {
    let tables = 0;
    fc.assert(
      fc.property(sizes, ({ n, corrupt, dropout }) => {
        const { graph, k, t, mostCorruptNeighbours } = graphParameters(n, corrupt, dropout);
        if (graph === 'complete') return;
        tables++;
        expect(k % 2).toBe(0);
        expect(k).toBeGreaterThanOrEqual(4);
        expect(4 * k).toBeLessThanOrEqual(n);
        expect(t).toBeGreaterThan(mostCorruptNeighbours);
        // Two disjoint sets of t neighbours would let two different sets of shares be revealed.
        expect(2 * t).toBeGreaterThan(k);
        expect(t).toBe(Math.max(mostCorruptNeighbours + 1, k / 2 + 1));
      }),
      { seed: 4002 },
    );
    expect(tables).toBeGreaterThan(10);
  });

  /** t₁ and t₂ as the rules say them, in plain sums of exact binomials. */
  const tables = rows.filter(({ graph, n }) => graph === 'tables' && n <= 1000);
  test.each(tables)(
    'rules 1 and 3 by big integers: n = $n, γ = $corruptPerMille ‰, δ = $dropoutPerMille ‰',
    ({ n, corruptPerMille, dropoutPerMille, k, t }) => {
      const { mostCorruptNeighbours, mostCorrupt, mostDropped } = graphParameters(
        n,
        corruptPerMille,
        dropoutPerMille,
      );
      const all = choose(n - 1, k);
      const moreThan = (x: number) => ways(n - 1, mostCorrupt, k, x + 1, k) * BigInt(n) * 2n ** 61n;
      expect(moreThan(mostCorruptNeighbours) <= all).toBe(true);
      expect(moreThan(mostCorruptNeighbours - 1) <= all).toBe(false);
      // Fewer than t survive with at most 2^-20 over the roster.
      const fewer = ways(n - 1, n - 1 - mostDropped, k, 0, t - 1) * BigInt(n) * 2n ** 20n;
      expect(fewer <= all).toBe(true);
    },
  );

  test.each([
    [100, 10, 50],
    [200, 50, 50],
    [500, 0, 50],
    [500, 50, 100],
    [1000, 100, 100],
    [2000, 10, 100],
    [10_000, 100, 200],
  ])('n = %i, γ = %i ‰, δ = %i ‰: the highest e is found as by trying all', (n, gamma, delta) => {
    const { k, t, mostCorrupt } = graphParameters(n, gamma, delta);
    const largest = Math.floor((n - mostCorrupt) / 2);
    for (const s of [2, 3, 4, 5, 8, 13, 21, 34, 55, 89, 144, 500].filter((s) => s <= largest)) {
      // Shapes other than the roster's own as well.
      for (const [h, threshold] of [
        [k / 2, t],
        [k / 2, k],
        [Math.max(2, k / 4), 2],
      ] as const) {
        const found = logInward(n, mostCorrupt, Math.floor(h), threshold, s);
        const tried = inwardByTryingAll(n, mostCorrupt, Math.floor(h), threshold, s);
        if (Number.isFinite(tried)) expect(found).toBeCloseTo(tried, 6);
        else expect(found).toBe(tried);
      }
    }
  });
});

describe('rule 4 over every size of a set', () => {
  // The rule stops at half of n − A − D, but with fewer drops and colluders the smaller part of a graph
  // that is cut in two can be larger.
  test.each([...rows.filter(({ graph }) => graph === 'tables'), ...smallCohorts()])(
    'n = $n, γ = $corruptPerMille ‰, δ = $dropoutPerMille ‰: up to n / 2 it is still below 2^-61',
    ({ n, corruptPerMille, dropoutPerMille }) => {
      const parameters = graphParameters(n, corruptPerMille, dropoutPerMille);
      expect(log2CutUpTo(Math.floor(n / 2), parameters)).toBeLessThan(-61);
    },
  );

  /** What docs/security-argument.md quotes. */
  test.each([
    [200, 50, 50, -63.8, -1002],
    [1000, 10, 50, -90.6, -3508],
    [1000, 50, 100, -98.7, -6108],
    [1000, 100, 200, -87.7, -6763],
    [5000, 50, 100, -114.9, -33894],
    [10_000, 100, 200, -108.4, -87119],
  ])(
    'n = %i, γ = %i ‰, δ = %i ‰: log₂ of the sum is %d, of Q at half %d',
    (n, corrupt, dropout, ofSum, ofHalf) => {
      const parameters = graphParameters(n, corrupt, dropout);
      const { k, mostCorrupt, mostDropped } = parameters;
      const half = Math.floor((n - mostCorrupt - mostDropped) / 2);
      expect(log2CutUpTo(half, parameters)).toBeCloseTo(ofSum, 1);
      const apart = logApart(n, mostCorrupt, mostDropped, k / 2, half) / Math.LN2;
      expect(Math.round(apart)).toBe(ofHalf);
    },
  );
});

/** Where tables are only just feasible: n from 16, few assumed corrupt or many dropping. */
function smallCohorts() {
  return [0, 10, 50]
    .flatMap((corruptPerMille) =>
      [0, 50, 100, 200, 300].flatMap((dropoutPerMille) =>
        Array.from({ length: 35 }, (_, i) => ({ n: 16 + 4 * i, corruptPerMille, dropoutPerMille })),
      ),
    )
    .filter(({ n, corruptPerMille, dropoutPerMille }) =>
      isTables(n, corruptPerMille, dropoutPerMille),
    );
}

function isTables(n: number, corrupt: number, dropout: number): boolean {
  try {
    return graphParameters(n, corrupt, dropout).graph === 'tables';
  } catch {
    return false;
  }
}

/** log₂ of Σ min(P(s), Q(s)) over s = 2 … `largest`. */
function log2CutUpTo(largest: number, parameters: GraphParameters): number {
  const { n, k, t, mostCorrupt, mostDropped } = parameters;
  let sum = Number.NEGATIVE_INFINITY;
  for (let s = 2; s <= largest; s++) {
    const inward = logInward(n, mostCorrupt, k / 2, t, s);
    sum = logAdd(sum, Math.min(inward, logApart(n, mostCorrupt, mostDropped, k / 2, s)));
  }
  return sum / Math.LN2;
}

describe('the tails that decide k and t', () => {
  // What t₁ and t₂ are, by whole sums of exact binomials, at the edges: all corrupt, nearly all gone.
  test('are those of the rules wherever they begin', () => {
    const sizes = fc.record({
      n: fc.integer({ min: 16, max: 120 }),
      corrupt: fc.constantFrom(0, 1, 10, 100, 300, 500, 800, 999),
      dropout: fc.constantFrom(0, 1, 50, 300, 600, 900, 999),
    });
    const seen = { tables: 0, others: 0 };
    fc.assert(
      fc.property(sizes, ({ n, corrupt, dropout }) => {
        // With n corrupt devices no honest one is left, which the hypergeometric of rule 1 presumes.
        fc.pre(Math.ceil((n * corrupt) / 1000) < n);
        const found = graphOrUndefined(n, corrupt, dropout);
        const isTables = found?.graph === 'tables';
        seen[isTables ? 'tables' : 'others']++;
        const A = Math.ceil((n * corrupt) / 1000);
        const D = Math.floor((n * dropout) / 1000);
        // Every k that the rules 1 to 3 allow; only rule 4 may pass over one.
        const allowed: number[] = [];
        for (let k = 4; k <= n / 4; k += 2) {
          const t = Math.max(mostCorruptByCounting(n, A, k) + 1, k / 2 + 1);
          const fewer = ways(n - 1, n - 1 - D, k, 0, t - 1) * BigInt(n) * 2n ** 20n;
          if (fewer <= choose(n - 1, k)) allowed.push(k);
          if (found?.k === k && isTables) {
            expect(found).toMatchObject({
              t,
              mostCorruptNeighbours: mostCorruptByCounting(n, A, k),
            });
          }
        }
        if (isTables) expect(allowed).toContain(found.k);
      }),
      { seed: 4003, numRuns: 300 },
    );
    expect(Math.min(seen.tables, seen.others)).toBeGreaterThan(10);
  });
});

describe('the complete graph', () => {
  test('A is rounded up and D down', () => {
    const { mostCorrupt, mostDropped, fewestPresent } = graphParameters(101, 10, 99);
    expect([mostCorrupt, mostDropped, fewestPresent]).toEqual([2, 9, 92]);
    expect(graphParameters(100, 10, 100)).toMatchObject({ mostCorrupt: 1, mostDropped: 10 });
    expect(graphParameters(10, 0, 0)).toMatchObject({ mostCorrupt: 0, mostDropped: 0 });
  });

  test('whatever is feasible is safe: t colluders are not enough, D lost are not too many', () => {
    const sizes = fc.record({
      // Below 16 no even k of at least 4 is at most n / 4: there is the complete graph or none.
      n: fc.integer({ min: 2, max: 15 }),
      corrupt: fc.integer({ min: 0, max: 999 }),
      dropout: fc.integer({ min: 0, max: 999 }),
    });
    const outcomes = { feasible: 0, infeasible: 0 };
    fc.assert(
      fc.property(sizes, ({ n, corrupt, dropout }) => {
        const [A, D] = [Math.ceil((n * corrupt) / 1000), Math.floor((n * dropout) / 1000)];
        const least = Math.max(A + 1, Math.floor((n - 1) / 2) + 1);
        if (least > n - 1 - D) {
          outcomes.infeasible++;
          expect(() => graphParameters(n, corrupt, dropout)).toThrow(infeasible());
          return;
        }
        outcomes.feasible++;
        const { graph, k, t, mostCorruptNeighbours, mostDropped } = graphParameters(
          n,
          corrupt,
          dropout,
        );
        expect([graph, k, t]).toEqual(['complete', n - 1, least]);
        expect(t).toBeGreaterThan(mostCorruptNeighbours);
        expect(2 * t).toBeGreaterThan(k);
        expect(k - mostDropped).toBeGreaterThanOrEqual(t);
      }),
      { seed: 4001 },
    );
    expect(Math.min(outcomes.feasible, outcomes.infeasible)).toBeGreaterThan(10);
  });
});

describe('a refusal says what to change', () => {
  test('where no graph is safe', () => {
    expect(() => graphParameters(10, 10, 500)).toThrow(
      infeasible('dropout', '500', 'cohort.min', '10 devices'),
    );
    expect(() => graphParameters(20, 900, 100)).toThrow(infeasible('corrupt', '900'));
  });

  test('where only a complete graph above what devices bear is', () => {
    const [corrupt, dropout] = [300, 350];
    const most = graphParameters(COMPLETE_MAX, corrupt, dropout);
    expect(most.graph).toBe('complete');
    expect(rosterParameters(COMPLETE_MAX, { corrupt, dropout })).toBe(most);
    expect(graphParameters(COMPLETE_MAX + 1, corrupt, dropout).graph).toBe('complete');
    expect(() => rosterParameters(COMPLETE_MAX + 1, { corrupt, dropout })).toThrow(
      infeasible('cohort.max', '300', '350 per mille', `${COMPLETE_MAX}`, '1001 devices'),
    );
  });

  test('a table graph may be larger', () => {
    const { graph, n } = rosterParameters(COMPLETE_MAX + 1, { corrupt: 10, dropout: 50 });
    expect([graph, n]).toEqual(['tables', COMPLETE_MAX + 1]);
  });
});

test('nobody has more neighbours than the bound for the largest roster says', () => {
  let isTight = false;
  for (const most of [3, 10, 99, 1000, 1001, 6000]) {
    for (const n of [3, 10, 99, 500, 1000, 1001, 6000].filter((size) => size <= most)) {
      for (const [corrupt, dropout] of [
        [10, 50],
        [100, 200],
        [100, 300],
      ] as const) {
        const { k } = rosterParameters(n, { corrupt, dropout });
        expect(k).toBeLessThanOrEqual(mostNeighbours(most));
        isTight ||= k === mostNeighbours(most);
      }
    }
  }
  expect(isTight).toBe(true);
  expect(mostNeighbours(65_535)).toBe(16_383);
});

function graphOrUndefined(n: number, corrupt: number, dropout: number) {
  try {
    return graphParameters(n, corrupt, dropout);
  } catch (error) {
    if (error instanceof RoundError) return undefined;
    throw error;
  }
}

/** t₁ as rule 1 says it. */
function mostCorruptByCounting(n: number, A: number, k: number): number {
  let x = 0;
  const isRare = () => ways(n - 1, A, k, x + 1, k) * BigInt(n) * 2n ** 61n <= choose(n - 1, k);
  while (!isRare()) x++;
  return x;
}

/** How many of the choices of k from `total` hold `from` to `to` of the marked ones. */
function ways(total: number, marked: number, k: number, from: number, to: number): bigint {
  let sum = 0n;
  for (let x = from; x <= to; x++) sum += choose(marked, x) * choose(total - marked, k - x);
  return sum;
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let ways = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * BigInt(n - i + 1)) / BigInt(i);
  return ways;
}

/** ln P(s) of rule 4, over every e from 0 to E, with a table of logarithms of its own. */
function inwardByTryingAll(n: number, A: number, h: number, t: number, s: number): number {
  if (n - 1 - 2 * s <= A) return Number.POSITIVE_INFINITY;
  const most = Math.min(s * h, Math.ceil((s * t) / 2), (s * (s - 1)) / 2);
  let best = Number.NEGATIVE_INFINITY;
  for (let e = 0; e <= most; e++) {
    const f = Math.max(0, s * t - 2 * e);
    if (f > 2 * s * h || (f > 0 && A === 0)) continue;
    const colluders = f === 0 ? 0 : f * Math.log(A / (n - 1 - 2 * s));
    const term =
      lnChoose(s * h, e) + e * Math.log((s - 1) / (n - 1)) + lnChoose(2 * s * h, f) + colluders;
    best = Math.max(best, term);
  }
  return lnChoose(n, s) + best + Math.log(most + 1);
}

const lnFactorials = [0];
function lnChoose(n: number, k: number): number {
  for (let i = lnFactorials.length; i <= n; i++) {
    lnFactorials.push((lnFactorials[i - 1] ?? 0) + Math.log(i));
  }
  const ln = (i: number) => lnFactorials[i] ?? Number.NaN;
  return ln(n) - ln(k) - ln(n - k);
}
