/** Rényi accounting. */
export interface PrivacyCost {
  readonly linear: number;
  readonly quadratic: number;
  readonly constant: number;
  readonly cap: number;
  readonly pure: number;
  readonly pureSquares: number;
}
export const NO_COST: PrivacyCost = {
  linear: 0,
  quadratic: 0,
  constant: 0,
  cap: 0,
  pure: 0,
  pureSquares: 0,
};
export function addCosts(...costs: readonly PrivacyCost[]): PrivacyCost {
  const sum = (of: (c: PrivacyCost) => number): number => costs.reduce((a, c) => a + of(c), 0);
  return {
    linear: sum((c) => c.linear),
    quadratic: sum((c) => c.quadratic),
    constant: sum((c) => c.constant),
    cap: sum((c) => c.cap),
    pure: sum((c) => c.pure),
    pureSquares: sum((c) => c.pureSquares),
  };
}
export function skellamCost({
  l1,
  l2Squared,
  variance,
}: {
  l1: number;
  l2Squared: number;
  variance: number;
}): PrivacyCost {
  return {
    ...NO_COST,
    linear: l2Squared / (2 * variance),
    quadratic: l2Squared / (4 * variance * variance),
    constant: (6 * l1) / (4 * variance * variance),
    cap: (3 * l1) / (2 * variance),
  };
}
export function pureCost(epsilon: number): PrivacyCost {
  return { ...NO_COST, pure: epsilon, pureSquares: (epsilon * epsilon) / 2 };
}
export function epsilonOf(cost: PrivacyCost, delta: number): number {
  let best = cost.linear === 0 ? cost.pure : Number.POSITIVE_INFINITY;
  if (delta <= 0) return best;
  for (let a = 2; a <= 1024; a++) {
    const rdp =
      a * cost.linear +
      Math.min((2 * a - 1) * cost.quadratic + cost.constant, cost.cap) +
      Math.min(a * cost.pureSquares, cost.pure);
    best = Math.min(best, rdp + Math.log((a - 1) / a) - (Math.log(delta) + Math.log(a)) / (a - 1));
  }
  return Math.max(best, 0);
}
