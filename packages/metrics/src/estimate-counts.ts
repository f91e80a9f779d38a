/** Kinds whose lanes count devices: flags, categories, selections, buckets and cells. */
import {
  axesOf,
  type CategoryMetric,
  type CrossTabulationMetric,
  type HistogramMetric,
  type Manifest,
  type MultiSelectMetric,
  withOther,
} from '@onlysum/task';
import { addSums, countEstimate, type NoisySum, shareEstimate } from './estimated.js';
import type { MetricSums } from './lane-sums.js';
import type {
  CategoryResult,
  CrossTabulationResult,
  FlagResult,
  HistogramResult,
  MultiSelectResult,
  NamedCount,
} from './metric-result.js';

export function estimateFlag(sums: MetricSums): FlagResult {
  const [yes, reported] = [sums.one('value'), sums.one('reported')];
  return {
    kind: 'flag',
    yes: countEstimate(yes, sums),
    share: shareEstimate(yes, reported, 0, sums),
    reported: countEstimate(reported, sums),
  };
}

export function estimateCategory(
  { kind, categories }: CategoryMetric,
  sums: MetricSums,
): CategoryResult {
  const counts = sums.all('category');
  return {
    kind,
    categories: exclusive(withOther(categories), counts, sums),
    reported: countEstimate(addSums(counts), sums),
  };
}

/** Counts of which every device is in exactly one, so that their sum has the noise of all of them. */
export function exclusive(
  names: readonly string[],
  counts: readonly NoisySum[],
  sums: MetricSums,
): NamedCount[] {
  const reported = addSums(counts);
  return counts.map((count, i) => ({
    name: names[i] ?? '',
    count: countEstimate(count, sums),
    share: shareEstimate(count, reported, count.variance, sums),
  }));
}

export function estimateMultiSelect(
  { kind, options }: MultiSelectMetric,
  sums: MetricSums,
): MultiSelectResult {
  const reported = sums.one('reported');
  const names = withOther(options);
  return {
    kind,
    options: sums.all('option').map((count, i) => ({
      name: names[i] ?? '',
      count: countEstimate(count, sums),
      share: shareEstimate(count, reported, 0, sums),
    })),
    reported: countEstimate(reported, sums),
    clipped: countEstimate(sums.one('clipped'), sums),
  };
}

export function estimateHistogram(
  { kind, edges, unit }: HistogramMetric,
  sums: MetricSums,
): HistogramResult {
  const counts = sums.all('bucket');
  return {
    kind,
    buckets: counts.map((count, i) => ({
      from: Number(edges[i]),
      to: Number(edges[i + 1]),
      count: countEstimate(count, sums),
    })),
    reported: countEstimate(addSums(counts), sums),
    clipped: countEstimate(sums.one('clipped'), sums),
    unit,
  };
}

export function estimateCrossTabulation(
  metric: CrossTabulationMetric,
  manifest: Manifest,
  sums: MetricSums,
): CrossTabulationResult {
  const { rows, columns } = axesOf(metric, manifest);
  const cells = sums.all('cell');
  const counts = cells.map((cell) => countEstimate(cell, sums));
  return {
    kind: 'cross-tabulation',
    rows,
    columns,
    counts: rows.map((_, row) => counts.slice(row * columns.length, (row + 1) * columns.length)),
    reported: countEstimate(addSums(cells), sums),
  };
}
