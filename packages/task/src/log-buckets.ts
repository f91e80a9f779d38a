/**
 * Logarithmic buckets with a relative error, as DDSketch has them: with γ = (1 + α)/(1 − α) a bucket
 * [a, aγ) is told by 2aγ/(1 + γ), which no value in it misses by more than α of itself.
 * Source: Masson, Rim, Lee, DDSketch, VLDB 2019.
 *
 * Edges come from products alone, which IEEE 754 rounds in one way: every device has the same buckets.
 */
import type { DistributionMetric } from './manifest.js';

export interface LogBucket {
  /** Inclusive; 0 for the first bucket, which holds all values below `min`. */
  readonly from: number;
  /** Exclusive, but for the last bucket, which ends with `max`. */
  readonly to: number;
  /** What stands for a value in it. */
  readonly middle: number;
  readonly label: string;
}

/** The first bucket is that of values below `min`, of which nothing else is told. */
export function logBuckets({ min, max, relativeError }: BucketRange): readonly LogBucket[] {
  const alpha = Number(relativeError);
  const gamma = (1 + alpha) / (1 - alpha);
  const [low, high] = [Number(min), Number(max)];
  const buckets: LogBucket[] = [{ from: 0, to: low, middle: low / 2, label: `[below ${min}]` }];
  let from = low;
  while (from < high) {
    const next = from * gamma;
    const isLast = next >= high;
    const to = isLast ? high : next;
    const middle = (2 * from * gamma) / (1 + gamma);
    const label = `[${shown(from)},${isLast ? `${max}]` : `${shown(to)})`}`;
    buckets.push({ from, to, middle: Math.min(middle, high), label });
    from = next;
  }
  return buckets;
}

type BucketRange = Pick<DistributionMetric, 'min' | 'max' | 'relativeError'>;

/** Nine digits tell edges apart whose ratio is at least 1.002. */
function shown(edge: number): string {
  return String(Number(edge.toPrecision(9)));
}
