/**
 * Logarithms of factorials, binomials and tails, for probabilities far below what doubles hold.
 * Knows: natural logarithms. Invariant: sums run from the smallest term, never through 1 − cdf.
 */

let table = new Float64Array(2);

/** ln n!, from a table that grows as it is asked. */
export function logFactorial(n: number): number {
  if (n >= table.length) {
    const grown = new Float64Array(Math.max(n + 1, 2 * table.length));
    grown.set(table);
    for (let i = table.length; i < grown.length; i++) grown[i] = (grown[i - 1] ?? 0) + Math.log(i);
    table = grown;
  }
  return table[n] ?? Number.NaN;
}

/** ln C(n, k); −∞ where there is no such choice. */
export function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** ln(e^a + e^b). */
export function logAdd(a: number, b: number): number {
  const low = Math.min(a, b);
  const high = Math.max(a, b);
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/** ln Pr[X = x] of a hypergeometric X: `draws` from `total` of which `marked` count. */
export function logHypergeometric(total: number, marked: number, draws: number, x: number): number {
  return logChoose(marked, x) + logChoose(total - marked, draws - x) - logChoose(total, draws);
}
