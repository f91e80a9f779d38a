/** Exact Skellam variables: the difference of two Poisson ones. Closed under addition, as those are. */
import type { Rational } from '@onlysum/task';
import { samplePoisson } from './poisson.js';
import type { RandomBits } from './random-bits.js';

/** @param variance - μ, from 0 to 2^53: two rates of μ/2. */
export function sampleSkellam({ numerator, denominator }: Rational, random: RandomBits): number {
  const rate = { numerator, denominator: 2n * denominator };
  return samplePoisson(rate, random) - samplePoisson(rate, random);
}
