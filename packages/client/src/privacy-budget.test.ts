import { addCosts, epsilonOf, isWithinBudget, NO_COST, pureCost, skellamCost } from '@onlysum/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Charge,
  firstWindowMs,
  MOST_SPENT_ENTRIES,
  privacyStatus,
  type SpentEntry,
  spentWith,
  withCharge,
} from './privacy-budget.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A window of `lengthMs` that costs a pure ε; the budget is pure too. */
function pure(index: number, change: Partial<Charge> = {}, lengthMs = DAY_MS): Charge {
  return {
    windowStartMs: index * lengthMs,
    windowEndMs: (index + 1) * lengthMs,
    windows: 1,
    task: 'task',
    cost: pureCost(0.1),
    lengthMs,
    mechanism: 'discrete-laplace',
    epsilon: 0.1,
    delta: 0,
    budget: { epsilon: 1, delta: 0, days: 30 },
    ...change,
  };
}

function spent(...indices: number[]): readonly SpentEntry[] {
  return indices.reduce<readonly SpentEntry[]>(
    (entries, index) => withCharge(entries, pure(index)),
    [],
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a budget', () => {
  it('bears what adds up to exactly as much, and no more', () => {
    // Ten times 0.1 is not 1 in floating point, in whatever order it is added.
    expect(isWithinBudget(spentWith(spent(...range(0, 9)), pure(9)), pure(9).budget)).toBe(true);
    expect(isWithinBudget(spentWith(spent(...range(0, 10)), pure(10)), pure(10).budget)).toBe(
      false,
    );
    expect(isWithinBudget(1 + 1e-6, pure(0).budget)).toBe(false);
    expect(isWithinBudget(Number.NaN, pure(0).budget)).toBe(false);
  });

  it('returns when the period has passed since the end of a window, not a window earlier', () => {
    const entries = spent(...range(0, 10));
    for (const index of range(10, 30)) {
      expect(isWithinBudget(spentWith(entries, pure(index)), pure(0).budget)).toBe(index >= 30);
    }
    expect(isWithinBudget(spentWith(entries, pure(30)), pure(0).budget)).toBe(true);
    expect(firstWindowMs(entries, pure(10))).toBe(30 * DAY_MS);
    expect(firstWindowMs(entries, pure(10), 3)).toBe(32 * DAY_MS);
    expect(firstWindowMs(entries, pure(30))).toBe(30 * DAY_MS);
    expect(firstWindowMs(entries, pure(10), 11)).toBeUndefined();
  });

  it('is one for all tasks of a publisher, and its period that of the task at hand', () => {
    const entries = spent(...range(0, 10));
    const twin = { task: 'twin', budget: { epsilon: 1, delta: 0, days: 5 } };
    expect(isWithinBudget(spentWith(entries, pure(10, twin)), twin.budget)).toBe(true);
    const strict = { task: 'twin', budget: { epsilon: 0.2, delta: 0, days: 5 } };
    expect(isWithinBudget(spentWith(entries, pure(10, strict)), strict.budget)).toBe(false);
  });

  it('gives nothing back to a clock that was set back', () => {
    const entries = spent(...range(100, 110));
    for (const index of [0, 50, 99]) {
      expect(isWithinBudget(spentWith(entries, pure(index)), pure(0).budget)).toBe(false);
    }
  });

  it('composes Skellam windows by Rényi accounting, with 2^-44 of δ set aside for each', () => {
    const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 100 });
    const change = { cost, budget: { epsilon: 5, delta: 1e-6, days: 30 } };
    const entries = range(0, 9).map((index): SpentEntry => {
      const { windowStartMs, windowEndMs } = pure(index);
      return { windowStartMs, windowEndMs, windows: 1, task: 'task', cost };
    });
    const ten = addCosts(...new Array(10).fill(cost));
    const expected = epsilonOf(ten, 1e-6 - 10 * 2 ** -44);
    expect(spentWith(entries, pure(9, change))).toBeCloseTo(expected, 12);
    expect(expected).toBeLessThan(10 * epsilonOf(cost, 1e-6));
    // What is set aside must not turn a small δ into a negative one.
    const tiny = { cost: pureCost(0.5), budget: { epsilon: 1, delta: 2 ** -61, days: 30 } };
    expect(spentWith([], pure(0, tiny))).toBe(0.5);
  });

  it('with a δ of 0 bears no Skellam window', () => {
    const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 1e9 });
    const entries = [{ windowStartMs: 0, windowEndMs: DAY_MS, windows: 1, task: 'other', cost }];
    expect(isWithinBudget(spentWith(entries, pure(1)), pure(1).budget)).toBe(false);
    expect(firstWindowMs(entries, pure(1))).toBe(30 * DAY_MS);
  });
});

describe('the status', () => {
  const window = { index: 10, startMs: 10 * DAY_MS, endMs: 11 * DAY_MS, epoch: 0 };

  it('says what is spent and left, and when more fits', () => {
    const status = privacyStatus(spent(2, 4, 6), pure(10), window);
    expect(status).toMatchObject({ epsilon: 0.1, delta: 0, windowsLeft: 7, window });
    expect(status.spent).toBeCloseTo(0.3, 12);
    expect(status.left).toBeCloseTo(0.7, 12);
    expect(status.returnsMs).toBe(32 * DAY_MS);
  });

  it('of a full budget, and of one that nothing was spent of', () => {
    const full = privacyStatus(spent(...range(0, 10)), pure(10), window);
    expect(full).toMatchObject({ windowsLeft: 0, returnsMs: 30 * DAY_MS });
    expect(full.left).toBeCloseTo(0, 12);
    const fresh = privacyStatus([], pure(10), window);
    expect(fresh).toMatchObject({ spent: 0, left: 1, windowsLeft: 10, returnsMs: undefined });
  });

  it('counts no more windows than the period has', () => {
    const cheap = { cost: NO_COST, budget: { epsilon: 1, delta: 0, days: 1 } };
    expect(privacyStatus([], pure(10, cheap, HOUR_MS), window).windowsLeft).toBe(24);
  });
});

describe('entries', () => {
  it('are gone after ten years, the longest period there is', () => {
    expect(spent(0, 3649)).toHaveLength(2);
    expect(spent(0, 3651)).toHaveLength(1);
  });

  it('stay few, the oldest merged first, and none of their cost is lost', () => {
    let entries: readonly SpentEntry[] = [];
    for (const index of range(0, 3650)) entries = withCharge(entries, pure(index));
    expect(entries.length).toBeLessThanOrEqual(MOST_SPENT_ENTRIES);
    expect(entries.reduce((sum, { windows }) => sum + windows, 0)).toBe(3650);
    expect(addCosts(...entries.map(({ cost }) => cost)).pure).toBeCloseTo(365, 6);
    expect(entries.at(-1)).toMatchObject({ windows: 1, windowEndMs: 3650 * DAY_MS });
    // The last eight weeks are as they were; the oldest count until the last of them is old enough.
    expect(entries.slice(-56).every(({ windows }) => windows === 1)).toBe(true);
    const oldest = entries[0]!;
    expect(oldest).toMatchObject({ windowStartMs: 0, windowEndMs: oldest.windows * DAY_MS });
    expect(oldest.windows).toBeGreaterThan(5);
  });

  it('stay few however short the windows are', () => {
    let entries: readonly SpentEntry[] = [];
    for (const index of range(0, 6000)) {
      entries = withCharge(entries, pure(index * 50, {}, HOUR_MS / 3));
      expect(entries.length).toBeLessThanOrEqual(MOST_SPENT_ENTRIES);
    }
    // A merged entry goes as a whole, and late.
    expect(entries.reduce((sum, { windows }) => sum + windows, 0)).toBeGreaterThanOrEqual(5256);
  });

  it('of two tasks that are merged have no task', () => {
    let entries: readonly SpentEntry[] = [];
    for (const index of range(0, MOST_SPENT_ENTRIES)) {
      entries = withCharge(entries, pure(index, { task: `t${index % 2}` }, HOUR_MS));
    }
    entries = withCharge(entries, pure(MOST_SPENT_ENTRIES, {}, HOUR_MS));
    expect(entries).toHaveLength(MOST_SPENT_ENTRIES);
    expect(entries[0]).toMatchObject({ task: null, windows: 2, windowEndMs: 2 * HOUR_MS });
  });

  it('merged or not, never let a period cost more than its budget', () => {
    // Hourly windows, tried in runs between pauses; 24 hours may cost 1, which is ten windows.
    const attempts = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 30 })), {
      maxLength: 25,
    });
    fc.assert(
      fc.property(attempts, (runs) => {
        const budget = { epsilon: 1, delta: 0, days: 1 };
        let entries: readonly SpentEntry[] = [];
        const sent: number[] = [];
        let index = 0;
        for (const [pause, length] of runs) {
          index += pause;
          for (const end = index + length; index < end; index++) {
            const charge = pure(index, { budget }, HOUR_MS);
            if (!isWithinBudget(spentWith(entries, charge), budget)) {
              const next = firstWindowMs(entries, charge) ?? Number.NaN;
              expect(next).toBeGreaterThan(charge.windowStartMs);
              const then = pure(next / HOUR_MS, { budget }, HOUR_MS);
              expect(isWithinBudget(spentWith(entries, then), budget)).toBe(true);
              const before = pure(next / HOUR_MS - 1, { budget }, HOUR_MS);
              expect(isWithinBudget(spentWith(entries, before), budget)).toBe(false);
              continue;
            }
            entries = withCharge(entries, charge);
            sent.push(index);
          }
        }
        for (const at of sent) {
          expect(sent.filter((other) => other > at - 24 && other <= at).length).toBeLessThanOrEqual(
            10,
          );
        }
      }),
    );
  });
});
