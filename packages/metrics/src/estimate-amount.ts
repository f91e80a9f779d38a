/** Counts, sums and means: each device sent its value as steps above the minimum. */
import { alignDecimals, checkedDecimal, type CountMetric, type RangeMetric } from '@onlysum/task';
import {
  canDivideBy,
  countEstimate,
  estimate,
  type RatioEstimate,
  totalEstimate,
  unknown,
} from './estimated.js';
import type { MetricSums } from './lane-sums.js';
import type { CountResult, SumResult } from './metric-result.js';
import { perCount } from './ratio.js';

type Steps = Pick<RangeMetric, 'min' | 'max' | 'resolution'>;

export function estimateCount({ kind, max }: CountMetric, sums: MetricSums): CountResult {
  return { kind, ...amount({ min: '0', max: String(max), resolution: '1' }, sums) };
}

export function estimateSum(
  metric: RangeMetric,
  kind: SumResult['kind'],
  sums: MetricSums,
): SumResult {
  return { kind, ...amount(metric, sums), unit: metric.unit };
}

function amount(steps: Steps, sums: MetricSums): Omit<CountResult, 'kind'> {
  const { low, step, scale } = inUnits(steps);
  const [value, reported] = [sums.one('value'), sums.one('reported')];
  const total = { unscaled: low * reported.sum + step * value.sum, scale };
  const [min, max, resolution] = [Number(steps.min), Number(steps.max), Number(steps.resolution)];
  const variance = min ** 2 * reported.variance + resolution ** 2 * value.variance;
  const range = [Math.min(0, min) * sums.survivors, Math.max(0, max) * sums.survivors] as const;
  return {
    total: totalEstimate(total, variance, range, sums),
    mean: estimateMean(steps, sums),
    reported: countEstimate(reported, sums),
    clipped: countEstimate(sums.one('clipped'), sums),
  };
}

/** min + step · V/R, with independent noise in V and in R. */
export function estimateMean(steps: Steps, sums: MetricSums): RatioEstimate {
  const { low, step, scale } = inUnits(steps);
  const [value, reported] = [sums.one('value'), sums.one('reported')];
  const range = [Number(steps.min), Number(steps.max)] as const;
  if (!canDivideBy(reported)) return unknown(range);
  const total = { unscaled: low * reported.sum + step * value.sum, scale };
  const perDevice = perCount({ unscaled: value.sum, scale: 0 }, reported.sum);
  const variance =
    (Number(steps.resolution) / Number(reported.sum)) ** 2 *
    (value.variance + perDevice ** 2 * reported.variance);
  return estimate(perCount(total, reported.sum), variance, range, sums);
}

function inUnits({ min, resolution }: Steps) {
  const { units, scale } = alignDecimals(checkedDecimal(min), checkedDecimal(resolution));
  const [low = 0n, step = 0n] = units;
  return { low, step, scale };
}
