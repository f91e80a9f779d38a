/** Exact Skellam variables: the difference of two Poisson ones. Closed under addition, as those are. */
import type { Rational } from '@onlysum/task';
import { poisson, samplePoisson } from './poisson.js';
import type { RandomBits } from './random-bits.js';

/** @param variance - μ, from 0 to 2^53: two rates of μ/2. */
export function sampleSkellam({ numerator, denominator }: Rational, random: RandomBits): number {
  const half = poisson({ numerator, denominator: 2n * denominator });
  return samplePoisson(half, random) - samplePoisson(half, random);
}
