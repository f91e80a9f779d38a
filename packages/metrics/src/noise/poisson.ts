/**
 * Exact Poisson variables of any rational rate, by rejection from blocks around the mode.
 * Knows: the quotients of neighbouring probabilities. Invariant: Pr[k] = e^−λ·λ^k/k! exactly.
 *
 * λ is the rate, m = ⌊λ⌋, w = ⌊√λ⌋ + 1, and R = Pr[k]/Pr[m] a product of factors from 0 to 1. A trial draws a
 * side, a block i with probability 2^-(i+1) and j uniform below w, so d = i·w + j steps away from m each k has
 * the probability 2^-(i+2)/w. It is accepted with probability R·2^i/2, so with one in proportion to R in all.
 *
 * That this never exceeds 1: within a block R falls. From the start of block 0, where R ≤ 1, to that of block 1
 * R·2^i at most doubles. From block i ≥ 1 to the next R falls to less than half, since w² > λ:
 * - upwards the w factors are λ/(m + l) with l > iw, each below λ/(λ + iw): together at most
 *   (1 + w/λ)^−w ≤ 1/(1 + w²/λ) < 1/2;
 * - downwards they are (m − l)/λ with l > iw, each below 1 − w/λ: together at most
 *   (1 − w/λ)^w ≤ e^(−w²/λ) < e^−1 < 1/2, or there is no such k.
 *
 * About three trials for a large λ, eight for a small one, with some √λ steps each.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Rational } from '@onlysum/task';
import { encloseDouble, encloseExact, nearRational } from './falling-product.js';
import { type Enclosed, uniformBelow } from './lazy-uniform.js';
import { type RandomBits, untilAccepted } from './random-bits.js';

/** Far beyond what 32 bits of noise need, and w fits 27 bits. */
const MAX_RATE = 1n << 52n;

/** One distribution with what its trials need. */
export interface Poisson {
  /** λ. */
  readonly rate: Rational;
  /** A double near λ. */
  readonly near: number;
  /** m. */
  readonly mode: number;
  /** w. */
  readonly width: number;
}

/**
 * @param rate - λ, from 0 to 2^52.
 * @throws {UsageError} `argument-invalid`.
 */
export function poisson(rate: Rational): Poisson {
  const { numerator, denominator } = rate;
  if (denominator <= 0n || numerator < 0n || numerator > MAX_RATE * denominator) {
    const got = `${numerator}/${denominator}`;
    throw invalidField(UsageError, 'argument-invalid', 'rate', 'a rational from 0 to 2^52', got);
  }
  const mode = Number(numerator / denominator);
  return { rate, near: nearRational(rate), mode, width: Math.floor(Math.sqrt(mode)) + 1 };
}

export function samplePoisson(distribution: Poisson, random: RandomBits): number {
  const { rate, mode, width } = distribution;
  if (rate.numerator === 0n) return 0;
  return untilAccepted(() => {
    const isUp = random.bits(1) === 1;
    const block = random.geometric();
    const distance = block * width + random.below(width);
    const k = isUp ? mode + distance : mode - 1 - distance;
    if (k < 0) return undefined;
    return uniformBelow(acceptance(distribution, k, block), random) ? k : undefined;
  });
}

/** R·2^i/2 for this k. */
export function acceptance({ rate, near, mode }: Poisson, k: number, block: number): Enclosed {
  const { numerator, denominator } = rate;
  const isUp = k >= mode;
  const steps = Math.abs(k - mode);
  return {
    approximate: () => {
      let product = 1;
      if (isUp) for (let l = mode + 1; l <= k; l++) product *= near / l;
      else for (let l = mode; l > k; l--) product *= l / near;
      return encloseDouble(product, steps, 2 ** (block - 1));
    },
    enclose: (bits) => {
      const factor = isUp
        ? (l: number) => ({ numerator, denominator: denominator * BigInt(mode + 1 + l) })
        : (l: number) => ({ numerator: denominator * BigInt(mode - l), denominator: numerator });
      return encloseExact(steps, factor, { numerator: 1n << BigInt(block), denominator: 2n }, bits);
    },
  };
}
