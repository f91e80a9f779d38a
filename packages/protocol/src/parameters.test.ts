import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import rows from '../../../test/vectors/v1/graph-parameters.json' with { type: 'json' };
import { COMPLETE_MAX, graphParameters } from './parameters.js';

const complete = rows.filter(({ n, graph }) => graph === 'complete' && n <= COMPLETE_MAX);

const infeasible = (...names: readonly string[]) =>
  expect.objectContaining({
    code: 'parameters-infeasible',
    message: expect.stringMatching(names.map((name) => `(?=.*${name})`).join('')),
  });

describe('the complete graph', () => {
  test('there are rows to check', () => {
    expect(complete.length).toBeGreaterThan(10);
  });

  test.each(complete)(
    'n = $n, γ = $corruptPerMille ‰, δ = $dropoutPerMille ‰: k = $k, t = $t',
    ({ n, corruptPerMille, dropoutPerMille, k, t }) => {
      expect(graphParameters(n, corruptPerMille, dropoutPerMille)).toMatchObject({ n, k, t });
    },
  );

  test('A is rounded up and D down', () => {
    const { mostCorrupt, mostDropped, fewestPresent } = graphParameters(101, 10, 99);
    expect([mostCorrupt, mostDropped, fewestPresent]).toEqual([2, 9, 92]);
    expect(graphParameters(100, 10, 100)).toMatchObject({ mostCorrupt: 1, mostDropped: 10 });
    expect(graphParameters(10, 0, 0)).toMatchObject({ mostCorrupt: 0, mostDropped: 0 });
  });

  test('whatever is feasible is safe: t colluders are not enough, D lost are not too many', () => {
    const sizes = fc.record({
      n: fc.integer({ min: 2, max: COMPLETE_MAX }),
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
        const { k, t, mostCorruptNeighbours, mostDropped } = graphParameters(n, corrupt, dropout);
        expect(t).toBe(least);
        expect(t).toBeGreaterThan(mostCorruptNeighbours);
        // Two disjoint sets of t neighbours would let two different sets of shares be revealed.
        expect(2 * t).toBeGreaterThan(k);
        expect(k - mostDropped).toBeGreaterThanOrEqual(t);
      }),
      { seed: 4001 },
    );
    expect(Math.min(outcomes.feasible, outcomes.infeasible)).toBeGreaterThan(10);
  });

  test('an infeasible cohort is told what to change', () => {
    expect(() => graphParameters(10, 10, 500)).toThrow(
      infeasible('dropout', '500', 'cohort.min', '10 devices'),
    );
    expect(() => graphParameters(20, 900, 100)).toThrow(infeasible('corrupt', '900'));
    expect(() => graphParameters(COMPLETE_MAX + 1, 10, 50)).toThrow(
      infeasible('cohort.max', `${COMPLETE_MAX}`),
    );
    expect(graphParameters(COMPLETE_MAX, 10, 50).k).toBe(COMPLETE_MAX - 1);
  });
});
