/**
 * The noise of a lane: which distribution, and how wide. The numbers are exact, so that all devices, and
 * whoever checks them, mean the same distribution.
 * Knows: the target of the honest devices together. Doesn't know: shares, sampling, budgets.
 */

/** `numerator / denominator`, denominator > 0; it need not be in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The total noise that the honest devices which are left put into a lane. */
export type NoiseScale =
  /** The difference of two Poisson variables of rate `variance / 2` each. */
  | { readonly mechanism: 'skellam'; readonly variance: Rational }
  /** Pr[k] ∝ e^(−rate·|k|) over all integers k. */
  | { readonly mechanism: 'discrete-laplace'; readonly rate: Rational };

/**
 * Variance of the total noise. For error bars: the last place may differ between engines.
 *
 * @returns for the discrete Laplace 2p/(1 − p)² with p = e^−rate.
 */
export function noiseVariance(scale: NoiseScale): number {
  if (scale.mechanism === 'skellam') return rationalToNumber(scale.variance);
  const sinh = Math.sinh(rationalToNumber(scale.rate) / 2);
  return 1 / (2 * sinh * sinh);
}

/** Within 3 halves of a unit in the last place, and the same on every engine. */
export function rationalToNumber({ numerator, denominator }: Rational): number {
  return Number(numerator) / Number(denominator);
}
