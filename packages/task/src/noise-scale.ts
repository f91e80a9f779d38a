export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}
export type NoiseScale =
  | { readonly mechanism: 'skellam'; readonly variance: Rational }
  | { readonly mechanism: 'discrete-laplace'; readonly rate: Rational };
/** Of the target. */
export function noiseVariance(scale: NoiseScale): number {
  if (scale.mechanism === 'skellam')
    return Number(scale.variance.numerator) / Number(scale.variance.denominator);
  const p = Math.exp(-Number(scale.rate.numerator) / Number(scale.rate.denominator));
  return (2 * p) / (1 - p) ** 2;
}
