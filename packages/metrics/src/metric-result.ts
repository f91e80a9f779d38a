/**
 * What an analyst reads of each kind of metric. Plain JSON.
 * `reported` devices gave a value, `clipped` of them one outside of what the metric takes.
 */
import type { Metric } from '@onlysum/task';
import type { Estimate, RatioEstimate } from './estimated.js';

export type MetricResult =
  | FlagResult
  | CountResult
  | SumResult
  | VarianceResult
  | CategoryResult
  | MultiSelectResult
  | HistogramResult
  | DistributionResult
  | CrossTabulationResult
  | TopKResult;

/** In the place of a result that too few devices gave: that it is so, and nothing else. */
export interface Suppressed {
  readonly suppressed: {
    readonly reason: 'too-few-respondents';
    /** The manifest's `minRespondents`. */
    readonly required: number;
  };
}

export interface SuppressedResult extends Suppressed {
  readonly kind: Metric['kind'];
}

interface Reported {
  readonly reported: Estimate;
}

interface Clipped extends Reported {
  readonly clipped: Estimate;
}

export interface FlagResult extends Reported {
  readonly kind: 'flag';
  readonly yes: Estimate;
  readonly share: RatioEstimate;
}

export interface CountResult extends Clipped {
  readonly kind: 'count';
  readonly total: Estimate;
  readonly mean: RatioEstimate;
}

/** In `unit`. */
export interface SumResult extends Clipped {
  readonly kind: 'sum' | 'mean';
  readonly total: Estimate;
  readonly mean: RatioEstimate;
  readonly unit: string;
}

/** In `unit`, the variance in `unit` squared. */
export interface VarianceResult extends Clipped {
  readonly kind: 'variance';
  readonly mean: RatioEstimate;
  /** Of a sample: the sum of squares is divided by one less than their number. */
  readonly variance: RatioEstimate;
  readonly standardDeviation: RatioEstimate;
  readonly unit: string;
}

/** Devices, and their share of those that reported. */
export interface NamedCount {
  readonly name: string;
  readonly count: Estimate;
  readonly share: RatioEstimate;
}

export interface CategoryResult extends Reported {
  readonly kind: 'category';
  /** In the manifest's order, `other` last. */
  readonly categories: readonly NamedCount[];
}

export interface MultiSelectResult extends Clipped {
  readonly kind: 'multi-select';
  /** In the manifest's order, `other` last. Shares add up to more than 1 if devices select several. */
  readonly options: readonly NamedCount[];
}

/** Edges in `unit`; `to` is exclusive except in the last bucket. */
export interface Bucket {
  readonly from: number;
  readonly to: number;
  readonly count: Estimate;
}

export interface HistogramResult extends Clipped {
  readonly kind: 'histogram';
  readonly buckets: readonly Bucket[];
  readonly unit: string;
}

export interface DistributionResult extends Clipped {
  readonly kind: 'distribution';
  /** The median and the ends of the upper tail; {@link quantiles} gives any others. */
  readonly quantiles: readonly QuantileEstimate[];
  /** The first one holds all values below the metric's `min`. */
  readonly buckets: readonly LogBucketCount[];
  /** Of `middle` for any value of its bucket, except the first. */
  readonly relativeError: number;
  readonly unit: string;
}

export interface LogBucketCount extends Bucket {
  /** What stands for its values. */
  readonly middle: number;
}

export interface QuantileEstimate {
  /** q, 0 to 1: this part of the values is below. */
  readonly quantile: number;
  /** The middle of its bucket; null where too little is known. */
  readonly value: number | null;
  /** How far values of that bucket are from `value`; null below `min`. Noise comes on top. */
  readonly relativeError: number | null;
  /** At least 95 %, from the lower edge of a bucket to the upper one of another. */
  readonly interval: readonly [number, number];
}

export interface CrossTabulationResult extends Reported {
  readonly kind: 'cross-tabulation';
  /** Categories of each axis, `other` last. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** By row, then column. */
  readonly counts: readonly (readonly Estimate[])[];
}

export interface TopKResult extends Reported {
  readonly kind: 'top-k';
  /** The k most frequent, the first one first. */
  readonly top: readonly RankedCount[];
  /** All the rest, listed or not. */
  readonly other: Estimate;
  readonly otherShare: RatioEstimate;
}

export interface RankedCount extends NamedCount {
  /** From 1; those with the same count come in the manifest's order. */
  readonly rank: number;
  /** No other candidate's interval overlaps its own. */
  readonly certain: boolean;
}
