/**
 * Exact Pólya variables of shape r = 1/h, by rejection from dyadic blocks: h of them add up to a geometric
 * variable, so the differences of two of each of h devices add up to the discrete Laplace distribution.
 * Invariant: Pr[k] = C(k + r − 1, k)·(1 − p)^r·p^k exactly.
 *
 * R(k) = Pr[k]/Pr[0] is the product of ((l − 1)h + 1)·p/(lh) for l from 1 to k, factors from 0 to 1. A trial
 * draws k = 0 with probability 1/2, else one of J + 1 blocks: block j < J is [2^j, 2^(j+1)), uniform within.
 * Block J goes on for ever: a part t with probability 2^-(t+1), uniform in [(t + 1)·2^J, (t + 2)·2^J). With q(k)
 * the probability of that, k is accepted with probability R(k)/(C·q(k)), {@link envelope} ≥ R(k)/q(k). It is
 * enough that C holds at the start of each block, as R falls and q is constant within one; and at the first
 * part of block J, as from each to the next R falls by p^(2^J) ≤ e^−2 < 1/2, since 2^J ≥ 2/(1 − p).
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Rational } from '@onlysum/task';
import { encloseDouble, encloseExact, nearRational } from './falling-product.js';
import { type Enclosed, uniformBelow } from './lazy-uniform.js';
import { type RandomBits, untilAccepted } from './random-bits.js';

/** 2^36·h stays exact in doubles, and 2^35 is more than 32 bits of noise can be wide. */
const MAX_BLOCKS = 36;
const MAX_DEVICES = 65_535;

/** One distribution with what its trials need. */
export interface Polya {
  readonly h: number;
  /** p. */
  readonly ratio: Rational;
  /** A double near p. */
  readonly near: number;
  /** J. */
  readonly blocks: number;
  /** 16·C, an integer. */
  readonly envelope16: number;
}

/**
 * @param h - 1/r, how many devices share a geometric variable; 1…65,535.
 * @param ratio - p, from 0 to 1 − 2^-35.
 * @throws {UsageError} `argument-invalid`.
 */
export function polya(h: number, ratio: Rational): Polya {
  if (!(Number.isInteger(h) && h >= 1 && h <= MAX_DEVICES)) {
    const expected = `an integer from 1 to ${MAX_DEVICES}`;
    throw invalidField(UsageError, 'argument-invalid', 'h', expected, h);
  }
  const { numerator, denominator } = ratio;
  let blocks = 1;
  while (blocks <= MAX_BLOCKS && (denominator - numerator) << BigInt(blocks) < 2n * denominator) {
    blocks += 1;
  }
  if (denominator <= 0n || numerator < 0n || blocks > MAX_BLOCKS) {
    const got = `${numerator}/${denominator}`;
    throw invalidField(UsageError, 'argument-invalid', 'ratio', 'one from 0 to 1 − 2^-35', got);
  }
  const near = nearRational(ratio);
  return { h, ratio, near, blocks, envelope16: Math.ceil(16 * envelope(h, near, blocks)) };
}

export function samplePolya(distribution: Polya, random: RandomBits): number {
  const { blocks } = distribution;
  return untilAccepted(() => {
    const { k, weight } = propose(blocks, random);
    return uniformBelow(acceptance(distribution, k, weight), random) ? k : undefined;
  });
}

/** One device's share of discrete Laplace noise: h of them add up to Pr[k] ∝ p^|k|. */
export function sampleLaplaceShare(h: number, ratio: Rational, random: RandomBits): number {
  const distribution = polya(h, ratio);
  return samplePolya(distribution, random) - samplePolya(distribution, random);
}

/** R(k)/(C·q(k)). @param weight - 1/q(k). */
export function acceptance(distribution: Polya, k: number, weight: number): Enclosed {
  const { h, ratio, near, envelope16 } = distribution;
  return {
    approximate: () => {
      let product = 1;
      for (let l = 1; l <= k; l++) product *= (((l - 1) * h + 1) * near) / (l * h);
      return encloseDouble(product, k, (16 * weight) / envelope16);
    },
    enclose: (bits) =>
      encloseExact(
        k,
        (l) => ({
          numerator: BigInt(l * h + 1) * ratio.numerator,
          denominator: BigInt((l + 1) * h) * ratio.denominator,
        }),
        { numerator: 16n * BigInt(weight), denominator: BigInt(envelope16) },
        bits,
      ),
  };
}

function propose(blocks: number, random: RandomBits): { k: number; weight: number } {
  if (random.bits(1) === 0) return { k: 0, weight: 2 };
  const block = random.below(blocks + 1);
  const size = 2 ** block;
  const within = random.bits(block);
  if (block < blocks) return { k: size + within, weight: 2 * (blocks + 1) * size };
  const part = random.geometric();
  return { k: (part + 1) * size + within, weight: 2 * (blocks + 1) * size * 2 ** (part + 1) };
}

/**
 * C, an upper bound for R(k)/q(k) within some 20 % of the least. R(k) = p^k·Γ(k + r)/(Γ(r)·k!), and by Gautschi's
 * inequality Γ(k + r)/k! ≤ k^(r−1); 1/Γ(r) = r/Γ(1 + r) ≤ 1.13·r. At k = 2^j that makes
 * R(k)·2^j ≤ 1.13·r·p^k·2^(jr), and 2^x is below its chord between integers.
 */
function envelope(h: number, p: number, blocks: number): number {
  const roundedUp = 1 + 2 ** -48;
  let largest = 2;
  let power = p * roundedUp;
  for (let j = 0; j <= blocks; j++) {
    const whole = Math.floor(j / h);
    const growth = 2 ** whole * (1 + (j / h - whole));
    const start = (1.13 / h) * power * growth * 2 * (blocks + 1);
    largest = Math.max(largest, j === blocks ? 2 * start : start);
    power = power * power * roundedUp;
  }
  return largest * roundedUp;
}
