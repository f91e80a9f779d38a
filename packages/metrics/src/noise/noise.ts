/**
 * The noise that one device adds to its lanes.
 * Knows: mechanisms, and how many devices carry the target together. Doesn't know: budgets, masks.
 * Invariant: the shares of that many devices add up to exactly the target distribution of each lane.
 */
import { invalidField, type Rng, UsageError } from '@onlysum/crypto';
import type { NoiseScale } from '@onlysum/task';
import { laplaceRatio } from './laplace-ratio.js';
import { sampleLaplaceShare } from './polya.js';
import { RandomBits } from './random-bits.js';
import { sampleSkellam } from './skellam.js';

/**
 * How long it takes depends on what is drawn: draw before the stage opens in which the input is sent.
 *
 * @param lanes - a lane without noise gets 0.
 * @param honest - the devices whose shares make the target: n − D − A of the roster.
 * @param rng - CSPRNG.
 * @returns one number a lane, modulo 2^32 as lanes are, owned by the caller, who wipes it.
 * @throws {UsageError} `argument-invalid`.
 */
export function drawNoise(
  lanes: readonly { readonly noise?: NoiseScale | undefined }[],
  honest: number,
  rng: Rng,
): Int32Array {
  if (!(Number.isInteger(honest) && honest >= 1)) {
    throw invalidField(UsageError, 'argument-invalid', 'honest', 'an integer from 1', honest);
  }
  const random = new RandomBits(rng);
  try {
    return Int32Array.from(lanes, ({ noise }) =>
      noise === undefined ? 0 : drawShare(noise, honest, random),
    );
  } finally {
    random.wipe();
  }
}

function drawShare(scale: NoiseScale, honest: number, random: RandomBits): number {
  if (scale.mechanism === 'discrete-laplace') {
    return sampleLaplaceShare(honest, laplaceRatio(scale.rate), random);
  }
  const { numerator, denominator } = scale.variance;
  return sampleSkellam({ numerator, denominator: denominator * BigInt(honest) }, random);
}
