/**
 * Estimates: numbers with the error that noise leaves in them. Exact without noise.
 * Knows: standard errors, 95 % intervals, ratios of noisy sums. Doesn't know: kinds, lanes.
 * Invariant: an interval lies in the range that its quantity can have; a value is never moved into it,
 * since values cut off at 0 would add up to too much over many windows.
 */
import type { Decimal, NoiseScale } from '@onlysum/task';
import { decimalToNumber, perCount } from './ratio.js';

/** Over the devices in the sum: what is uncertain of it is their noise, nothing else. */
export interface Estimate {
  /** May lie outside of what the quantity can be, such as a count below 0. */
  readonly value: number;
  /** 0 without noise. */
  readonly standardError: number;
  /** 95 %, both ends included; a point without noise. */
  readonly interval: readonly [number, number];
}

/** Null where too little is known of what is divided by; then the interval is all that is possible. */
export type RatioEstimate =
  | Estimate
  | { readonly value: null; readonly standardError: null; readonly interval: Range };

/** What a quantity can be. */
export type Range = readonly [number, number];

/** A sum over devices, and the variance of the noise in it. */
export interface NoisySum {
  readonly sum: bigint;
  readonly variance: number;
}

/** What is the same for all estimates of a round. */
export interface Scope {
  readonly survivors: number;
  /** From a value to an end of its interval, in standard errors. */
  readonly deviates: number;
}

const NORMAL_DEVIATES = 1.959964;
/** 95 % of a Laplace variable of variance 1 are within ln 20 / √2; of a sum of several, more are. */
const LAPLACE_DEVIATES = Math.log(20) / Math.SQRT2;
/**
 * A sum is divided by if it is this many of its standard errors. Then a ratio's bias, which the delta
 * method neglects, is below a fifth of the ratio's standard error.
 */
const LEAST_DIVISOR = 5;

export function deviatesOf(mechanism: NoiseScale['mechanism'] | 'none'): number {
  return mechanism === 'discrete-laplace' ? LAPLACE_DEVIATES : NORMAL_DEVIATES;
}

/** A number of devices. Noise is whole, so an interval ends at whole numbers. */
export function countEstimate({ sum, variance }: NoisySum, scope: Scope): Estimate {
  const standardError = Math.sqrt(variance);
  const half = Math.max(0, Math.ceil(scope.deviates * standardError - 0.5));
  const value = Number(sum);
  return {
    value,
    standardError,
    interval: clipped([value - half, value + half], [0, scope.survivors]),
  };
}

/** @param variance - of the noise in `total`, in its unit squared. */
export function totalEstimate(
  total: Decimal,
  variance: number,
  range: Range,
  scope: Scope,
): Estimate {
  return estimate(decimalToNumber(total), variance, range, scope);
}

/** Devices of `part` among those of `whole`. @param covariance - of the noise in both. */
export function shareEstimate(
  part: NoisySum,
  whole: NoisySum,
  covariance: number,
  scope: Scope,
): RatioEstimate {
  if (!canDivideBy(whole)) return unknown([0, 1]);
  const share = perCount({ unscaled: part.sum, scale: 0 }, whole.sum);
  const devices = Number(whole.sum);
  const variance =
    (part.variance - 2 * share * covariance + share * share * whole.variance) / devices ** 2;
  // Rounding may leave less than nothing, where part and whole share their noise.
  return estimate(share, Math.max(0, variance), [0, 1], scope);
}

export function estimate(value: number, variance: number, range: Range, scope: Scope): Estimate {
  const standardError = Math.sqrt(variance);
  const half = scope.deviates * standardError;
  return { value, standardError, interval: clipped([value - half, value + half], range) };
}

export function unknown(interval: Range): RatioEstimate {
  return { value: null, standardError: null, interval };
}

/** Whether a sum is clearly positive, noise considered. */
export function canDivideBy({ sum, variance }: NoisySum): boolean {
  return sum > 0n && Number(sum) >= LEAST_DIVISOR * Math.sqrt(variance);
}

/** The sum of sums whose noise is independent. */
export function addSums(sums: readonly NoisySum[]): NoisySum {
  return sums.reduce((a, b) => ({ sum: a.sum + b.sum, variance: a.variance + b.variance }), {
    sum: 0n,
    variance: 0,
  });
}

function clipped([low, high]: Range, [least, most]: Range): Range {
  const within = (x: number): number => Math.min(Math.max(x, least), most);
  return [within(low), within(high)];
}
