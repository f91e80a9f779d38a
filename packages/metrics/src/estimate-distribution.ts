/**
 * Quantiles from counts in logarithmic buckets.
 * Source of the buckets and of the rank: Masson, Rim, Lee, DDSketch, VLDB 2019.
 *
 * The q-quantile of N values is the one of rank ⌊q(N − 1)⌋ from 0: it lies in bucket j if the excess
 * E_j = C_j − q(N − 1) of the cumulative count C_j is above 0 and E_(j−1) is not. Both are linear in the
 * counts, so their noise is known.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import { type DistributionMetric, logBuckets } from '@onlysum/task';
import { addSums, canDivideBy, countEstimate, deviatesOf } from './estimated.js';
import type { MetricSums } from './lane-sums.js';
import type { DistributionResult, QuantileEstimate } from './metric-result.js';

const SHOWN_QUANTILES = [0.5, 0.9, 0.99];

export function estimateDistribution(
  metric: DistributionMetric,
  sums: MetricSums,
): DistributionResult {
  const counts = sums.all('bucket');
  const buckets = logBuckets(metric).map(({ from, to, middle }, i) => ({
    from,
    to,
    middle,
    count: countEstimate(counts[i] ?? { sum: 0n, variance: 0 }, sums),
  }));
  const relativeError = Number(metric.relativeError);
  return {
    kind: 'distribution',
    quantiles: quantiles({ buckets, relativeError }, SHOWN_QUANTILES),
    buckets,
    relativeError,
    reported: countEstimate(addSums(counts), sums),
    clipped: countEstimate(sums.one('clipped'), sums),
    unit: metric.unit,
  };
}

/**
 * @param asked - 0 for the least value, 1 for the largest.
 * @returns one for each of `asked`. A bucket belongs to the interval unless the excess on either side of
 *   it tells clearly that the quantile is elsewhere: that errs with at most 2.5 % on each side.
 * @throws {UsageError} `argument-invalid` if one is not from 0 to 1.
 */
export function quantiles(
  result: Pick<DistributionResult, 'buckets' | 'relativeError'>,
  asked: readonly number[],
): QuantileEstimate[] {
  return asked.map((quantile, i) => {
    if (!(quantile >= 0 && quantile <= 1)) {
      const field = `quantiles[${i}]`;
      throw invalidField(UsageError, 'argument-invalid', field, 'a number from 0 to 1', quantile);
    }
    return estimateQuantile(result, quantile);
  });
}

/** Enough for Laplace noise too; sums over many buckets are nearly normal. */
const DEVIATES = deviatesOf('discrete-laplace');

function estimateQuantile(
  { buckets, relativeError }: Pick<DistributionResult, 'buckets' | 'relativeError'>,
  quantile: number,
): QuantileEstimate {
  const sums = buckets.map(({ count: { value, standardError } }) => ({
    sum: BigInt(value),
    variance: standardError ** 2,
  }));
  const last = buckets.length - 1;
  const edges = (from: number, to: number) =>
    [buckets[from]?.from ?? 0, buckets[to]?.to ?? 0] as const;
  const reported = addSums(sums);
  if (!canDivideBy(reported)) {
    return { quantile, value: null, relativeError: null, interval: edges(0, last) };
  }
  const excess = excesses(sums, quantile);
  // Counts with noise may cross the rank more than once: the middle of the first and the last time.
  const first = excess.findIndex(({ value }) => value > 0);
  const crossing = excess.findLastIndex(({ value }) => value <= 0) + 1;
  const at = Math.floor((first + crossing) / 2);
  const from = excess.findIndex(({ value, error }) => value > -DEVIATES * error);
  const to = excess.findLastIndex(({ value, error }) => value <= DEVIATES * error) + 1;
  return {
    quantile,
    value: buckets[at]?.middle ?? null,
    relativeError: at === 0 ? null : relativeError,
    interval: edges(from, Math.min(to, last)),
  };
}

interface Excess {
  readonly value: number;
  readonly error: number;
}

/** E_j for all buckets but the last, whose excess is above 0 by definition. */
function excesses(
  counts: readonly { readonly sum: bigint; readonly variance: number }[],
  quantile: number,
): Excess[] {
  const reported = addSums(counts);
  const rank = quantile * (Number(reported.sum) - 1);
  let below = { sum: 0n, variance: 0 };
  return counts.map((count, j) => {
    below = addSums([below, count]);
    if (j === counts.length - 1) return { value: Number.POSITIVE_INFINITY, error: 0 };
    const above = reported.variance - below.variance;
    const variance = (1 - quantile) ** 2 * below.variance + quantile ** 2 * Math.max(0, above);
    return { value: Number(below.sum) - rank, error: Math.sqrt(variance) };
  });
}
