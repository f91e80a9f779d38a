/**
 * What a budget of several windows pays for. Protocol §7.
 * Knows: costs add up, and each window's graph may fail. Doesn't know: which windows a device was in.
 */
import { addCosts, epsilonOf, GRAPH_FAILURE, NO_COST, type PrivacyCost } from './accounting.js';
import type { NoisePromise } from './manifest.js';

/** Nobody has more. */
const MOST_WINDOWS = 2 ** 31;

/**
 * ε of so many windows, at a δ of them all: each also costs what a drawn graph may fail by.
 *
 * @param cost - of them together.
 * @returns infinity if no bound can be shown at `delta`.
 */
export function spentEpsilon(cost: PrivacyCost, windows: number, delta: number): number {
  return epsilonOf(cost, Math.max(0, delta - windows * GRAPH_FAILURE));
}

/**
 * The most windows whose cost together the budget covers: powers of two of them, then from the largest down.
 *
 * @param cost - of one window.
 */
export function windowsWithin(
  cost: PrivacyCost,
  { epsilon, delta }: NoisePromise['budget'],
): number {
  const isCovered = (sum: PrivacyCost, windows: number): boolean =>
    spentEpsilon(sum, windows, Number(delta)) <= Number(epsilon) * (1 + Number.EPSILON * 4);
  const doubled = [cost];
  for (let windows = 1; windows < MOST_WINDOWS; windows *= 2) {
    const last = doubled.at(-1) ?? NO_COST;
    if (!isCovered(last, windows)) break;
    doubled.push(addCosts(last, last));
  }
  let [sum, windows] = [NO_COST, 0];
  for (const [power, more] of [...doubled.entries()].reverse()) {
    const [nextSum, next] = [addCosts(sum, more), windows + 2 ** power];
    if (isCovered(nextSum, next)) [sum, windows] = [nextSum, next];
  }
  return windows;
}
