/**
 * Mean, variance and standard deviation from three sums.
 * Legend, in steps of the resolution: each of R devices sent v above the minimum and (v − c)², c being the
 * centre of the range; V = Σv, Q = Σ(v − c)², S = Σ(v − c) = V − cR, m = V/R.
 */
import { centreStep, checkedDecimal, type RangeMetric } from '@onlysum/task';
import { estimateMean } from './estimate-amount.js';
import {
  canDivideBy,
  countEstimate,
  estimate,
  type NoisySum,
  type RatioEstimate,
  unknown,
} from './estimated.js';
import type { MetricSums } from './lane-sums.js';
import type { VarianceResult } from './metric-result.js';
import { perCount } from './ratio.js';

export function estimateVariance(metric: RangeMetric, sums: MetricSums): VarianceResult {
  const variance = sampleVariance(metric, sums);
  return {
    kind: 'variance',
    mean: estimateMean(metric, sums),
    variance,
    standardDeviation: squareRoot(variance),
    reported: countEstimate(sums.one('reported'), sums),
    clipped: countEstimate(sums.one('clipped'), sums),
    unit: metric.unit,
  };
}

/** s² = (Q − S²/R)/(R − 1), corrected for what noise adds to it on average. */
function sampleVariance(metric: RangeMetric, sums: MetricSums): RatioEstimate {
  const [value, square, reported] = [sums.one('value'), sums.one('square'), sums.one('reported')];
  const span = Number(metric.max) - Number(metric.min);
  // Two devices at both ends; no sample varies more.
  const range = [0, (span * span) / 2] as const;
  if (reported.sum < 2n || !canDivideBy(reported)) return unknown(range);
  const centre = centreStep(metric);
  const distance = value.sum - centre * reported.sum;
  const squares = square.sum * reported.sum - distance * distance;
  const pairs = reported.sum * (reported.sum - 1n);
  const { unscaled: step, scale } = checkedDecimal(metric.resolution);
  const exact = perCount({ unscaled: squares * step * step, scale: 2 * scale }, pairs);
  const unit = Number(metric.resolution) ** 2;
  const error = noiseError({ value, square, reported }, Number(centre), exact / unit);
  return estimate(exact - error.bias * unit, error.variance * unit * unit, range, sums);
}

/**
 * s² as a function of V, Q and R, expanded to second order around what was opened: the variance from its
 * first derivatives, the bias from half of its second ones.
 */
function noiseError(
  { value, square, reported }: Readonly<Record<'value' | 'square' | 'reported', NoisySum>>,
  centre: number,
  variance: number,
): { readonly bias: number; readonly variance: number } {
  const r = Number(reported.sum);
  const mean = Number(value.sum) / r;
  const fromCentre = mean - centre;
  const byValue = (-2 * fromCentre) / (r - 1);
  const bySquare = 1 / (r - 1);
  // Of S²/R, negative: 2c(m − c) + (m − c)².
  const curve = 2 * centre * fromCentre + fromCentre ** 2;
  const byReported = (curve - variance) / (r - 1);
  const twiceByValue = -2 / (r * (r - 1));
  const twiceByReported =
    (-2 * mean ** 2) / (r * (r - 1)) - (2 * curve) / (r - 1) ** 2 + (2 * variance) / (r - 1) ** 2;
  return {
    bias: (twiceByValue * value.variance + twiceByReported * reported.variance) / 2,
    variance:
      byValue ** 2 * value.variance +
      bySquare ** 2 * square.variance +
      byReported ** 2 * reported.variance,
  };
}

/** The interval is that of the variance, in which the root is monotone. */
function squareRoot(variance: RatioEstimate): RatioEstimate {
  const [low, high] = variance.interval;
  const interval = [Math.sqrt(low), Math.sqrt(high)] as const;
  if (variance.value === null || variance.value < 0) return unknown(interval);
  const value = Math.sqrt(variance.value);
  // Near 0 the delta method says nothing: then half of the interval does.
  const standardError =
    variance.standardError === 0
      ? 0
      : Math.min(variance.standardError / (2 * value), (interval[1] - interval[0]) / 2);
  return { value, standardError, interval };
}
