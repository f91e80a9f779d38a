import { expect, it } from 'vitest';
import { GRAPH_FAILURE, addCosts, pureCost, skellamCost } from './accounting.js';
import { budgetOf, isWithinBudget, spentEpsilon, windowsWithin } from './budget.js';

const half = pureCost(0.5);
const budget = { epsilon: 2, delta: 0, days: 30 };

it('pays for as many windows as add up to the budget, and not one more', () => {
  expect(windowsWithin(half, budget)).toBe(4);
  const all = addCosts(half, half, half, half);
  expect(spentEpsilon(all, 4, 0)).toBe(2);
  expect(isWithinBudget(spentEpsilon(all, 4, 0), budget)).toBe(true);
  expect(isWithinBudget(spentEpsilon(addCosts(all, half), 5, 0), budget)).toBe(false);
});

it('takes sums that are equal but for rounding for equal', () => {
  // Added up one by one, as a device does, ten times 0.1 is 0.9999999999999999; three times, more than 0.3.
  expect(windowsWithin(pureCost(0.1), { ...budget, epsilon: 0.3 })).toBe(3);
  expect(isWithinBudget(1.0000000001, { epsilon: 1 })).toBe(true);
  expect(isWithinBudget(1.00000001, { epsilon: 1 })).toBe(false);
});

it('pays for what is left after what is spent, and for no more than there are', () => {
  const spent = { windows: 3, cost: addCosts(half, half, half) };
  expect(windowsWithin(half, budget, spent)).toBe(1);
  expect(windowsWithin(half, budget, { windows: 5, cost: pureCost(2.5) })).toBe(0);
  expect(windowsWithin(half, budget, undefined, 2)).toBe(2);
  expect(windowsWithin(half, budget, undefined, 0)).toBe(0);
});

it('takes from δ what the graph of each window may fail by', () => {
  const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 20 });
  const delta = 1_000 * GRAPH_FAILURE;
  expect(spentEpsilon(cost, 999, delta)).toBeGreaterThan(spentEpsilon(cost, 1, delta));
  expect(spentEpsilon(cost, 1_000, delta)).toBe(Number.POSITIVE_INFINITY);
  const cheap = skellamCost({ l1: 1, l2Squared: 1, variance: 1e12 });
  const spent = { windows: 400, cost: cheap };
  expect(windowsWithin(cheap, { epsilon: 100, delta, days: 30 }, spent)).toBe(599);
});

it('is read from a manifest', () => {
  const promised = { epsilon: '2', delta: '0.00001', days: 30 };
  expect(budgetOf({ budget: promised })).toEqual({ epsilon: 2, delta: 0.00001, days: 30 });
});
