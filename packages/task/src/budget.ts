/**
 * What a budget of several windows pays for, on devices as in reports. Protocol §7.
 * Knows: costs add up, and each window's graph may fail. Doesn't know: which windows a device was in.
 */
import {
  addCosts,
  epsilonOf,
  GRAPH_FAILURE,
  NO_COST,
  type PrivacyCost,
  timesCost,
} from './accounting.js';
import type { NoisePromise } from './manifest.js';

/** Of all windows that end within so many days of each other. */
export interface Budget {
  readonly epsilon: number;
  readonly delta: number;
  readonly days: number;
}

/** Windows, and what they cost together. */
export interface Spent {
  readonly windows: number;
  readonly cost: PrivacyCost;
}

/** Nobody has more. */
const MOST_WINDOWS = 2 ** 31;
/** Sums of costs are floating-point: what is above the budget by no more than this part is equal to it. */
const TOLERANCE = 1e-9;
const NOTHING: Spent = { windows: 0, cost: NO_COST };

/** A manifest's, in numbers. */
export function budgetOf({ budget }: Pick<NoisePromise, 'budget'>): Budget {
  return { epsilon: Number(budget.epsilon), delta: Number(budget.delta), days: budget.days };
}

/**
 * ε of so many windows, at a δ of them all: each also costs what a drawn graph may fail by.
 *
 * @param cost - of them together.
 * @returns infinity if no bound can be shown at `delta`.
 */
export function spentEpsilon(cost: PrivacyCost, windows: number, delta: number): number {
  return epsilonOf(cost, Math.max(0, delta - windows * GRAPH_FAILURE));
}

/** Whether windows that together cost ε = `spent` may be sent. */
export function isWithinBudget(spent: number, { epsilon }: Pick<Budget, 'epsilon'>): boolean {
  return spent <= epsilon * (1 + TOLERANCE);
}

/**
 * The most further windows that the budget pays for.
 *
 * @param cost - of one of them.
 * @param spent - what is spent already.
 * @param most - how many there can be.
 */
export function windowsWithin(
  cost: PrivacyCost,
  budget: Budget,
  spent: Spent = NOTHING,
  most = MOST_WINDOWS,
): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const sum = addCosts(spent.cost, timesCost(cost, middle));
    const epsilon = spentEpsilon(sum, spent.windows + middle, budget.delta);
    if (isWithinBudget(epsilon, budget)) low = middle;
    else high = middle - 1;
  }
  return low;
}
