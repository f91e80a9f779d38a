/** Pearson's test: do counts look drawn from probabilities? */

/** Cells that are expected to hold fewer are merged with the next ones. */
const LEAST_EXPECTED = 10;

/**
 * How far chi-squared lies above its mean, in standard deviations of a normal variable (Wilson, Hilferty 1931).
 * Beyond 4 by chance once in 30,000 times.
 *
 * @param probabilities - of cells in some order; what they lack to 1 is one more cell.
 * @param cells - the cell of each draw; any cell without a probability is that last one.
 */
export function chiSquaredScore(
  probabilities: readonly number[],
  cells: readonly number[],
): { readonly score: number; readonly freedom: number } {
  const counts = new Float64Array(probabilities.length + 1);
  for (const cell of cells) {
    const known = cell >= 0 && cell < probabilities.length ? cell : probabilities.length;
    counts[known] = (counts[known] ?? 0) + 1;
  }
  const rest = Math.max(0, 1 - probabilities.reduce((sum, p) => sum + p, 0));
  const merged: { expected: number; count: number }[] = [];
  let open = { expected: 0, count: 0 };
  for (const [cell, p] of [...probabilities, rest].entries()) {
    open = { expected: open.expected + p * cells.length, count: open.count + (counts[cell] ?? 0) };
    if (open.expected < LEAST_EXPECTED) continue;
    merged.push(open);
    open = { expected: 0, count: 0 };
  }
  const last = merged.pop() ?? { expected: 0, count: 0 };
  merged.push({ expected: last.expected + open.expected, count: last.count + open.count });
  const freedom = merged.length - 1;
  if (freedom === 0) return { score: 0, freedom };
  let statistic = 0;
  for (const { expected, count } of merged) statistic += (count - expected) ** 2 / expected;
  const spread = 2 / (9 * freedom);
  return { score: (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread), freedom };
}
