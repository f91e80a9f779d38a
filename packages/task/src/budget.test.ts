import { expect, it } from 'vitest';
import { GRAPH_FAILURE, addCosts, pureCost, skellamCost } from './accounting.js';
import { spentEpsilon, windowsWithin } from './budget.js';

const half = pureCost(0.5);
const budget = { epsilon: '2', delta: '0.00001', days: 30 };

it('pays for as many windows as add up to the budget, and not one more', () => {
  const paid = windowsWithin(half, { ...budget, delta: '0' });
  expect(paid).toBe(4);
  const all = addCosts(...Array.from({ length: paid }, () => half));
  expect(spentEpsilon(all, paid, 0)).toBeCloseTo(2);
});

it('takes from δ what the graph of each window may fail by', () => {
  const cost = skellamCost({ l1: 1, l2Squared: 1, variance: 20 });
  const delta = 1_000 * GRAPH_FAILURE;
  expect(spentEpsilon(cost, 999, delta)).toBeGreaterThan(spentEpsilon(cost, 1, delta));
});
