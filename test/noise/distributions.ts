/**
 * Exact distributions of noise, as logarithms of probabilities: what sampling, tails and accounting are held
 * against. Knows: recurrences between neighbouring terms. Doesn't know: how the product computes anything.
 * Invariant: every sum is of positive terms, so nothing cancels.
 */

/** ln Pr[k] for k from 0 below `count`. */
export function logPoisson(rate: number, count: number): Float64Array {
  const logs = new Float64Array(count);
  logs[0] = -rate;
  for (let k = 1; k < count; k++) logs[k] = (logs[k - 1] ?? 0) + Math.log(rate / k);
  return logs;
}

/**
 * ln Pr[±k] for k from 0 below `count` of a Skellam variable of this variance: e^−μ·I_k(μ). The quotients of
 * Bessel functions run down from far out, where they are next to nothing, and all terms add up to 1.
 */
export function logSkellam(variance: number, count: number): Float64Array {
  const far = count + Math.ceil(60 + 12 * Math.sqrt(variance));
  const quotients = new Float64Array(far);
  for (let k = far - 1; k >= 1; k--) {
    quotients[k - 1] = 1 / ((2 * k) / variance + (quotients[k] ?? 0));
  }
  const logs = new Float64Array(far);
  for (let k = 1; k < far; k++) logs[k] = (logs[k - 1] ?? 0) + Math.log(quotients[k - 1] ?? 0);
  let total = 0;
  for (let k = far - 1; k >= 1; k--) total += 2 * Math.exp(logs[k] ?? 0);
  const scale = Math.log1p(total);
  return logs.map((log) => log - scale).subarray(0, count);
}

/** ln Pr[k] for k from 0 below `count`: C(k + r − 1, k)·(1 − p)^r·p^k. */
export function logNegativeBinomial(r: number, p: number, count: number): Float64Array {
  const logs = new Float64Array(count);
  logs[0] = r * Math.log1p(-p);
  for (let k = 1; k < count; k++) logs[k] = (logs[k - 1] ?? 0) + Math.log(((k - 1 + r) * p) / k);
  return logs;
}

/** ln Pr[±k] for k from 0 below `count`: (1 − p)/(1 + p)·p^|k|. */
export function logDiscreteLaplace(p: number, count: number): Float64Array {
  const first = Math.log1p(-p) - Math.log1p(p);
  return Float64Array.from({ length: count }, (_, k) => first + k * Math.log(p));
}

/** `tails[k]` = Pr[X ≥ k], added up from the smallest term. */
export function upperTails(logs: Float64Array): Float64Array {
  const tails = new Float64Array(logs.length + 1);
  for (let k = logs.length - 1; k >= 0; k--)
    tails[k] = (tails[k + 1] ?? 0) + Math.exp(logs[k] ?? 0);
  return tails;
}
