/**
 * How far one device can move a block of lanes: the sensitivities of a metric, derived from its kind.
 * Knows: what vectors a device can send. Doesn't know: noise, budgets.
 * Invariant: for every two vectors that an honest device can send (or one and zeros), their distance in
 * these lanes is at most what stands here (sensitivity.property.test.ts tries them).
 */
import type { Metric, NoisePromise } from './manifest.js';

export interface Sensitivity {
  /** Δ₁. */
  readonly l1: number;
  /** Δ₂², an integer. */
  readonly l2Squared: number;
}

/** Of a lane alone that holds 0 to `bound`: nobody can move it farther. */
export function laneSensitivity(bound: number): Sensitivity {
  return { l1: bound, l2Squared: bound * bound };
}

/**
 * Of all lanes of bound 1 of a metric together. Each of them moves by 0 or 1, so Δ₂² = Δ₁: the most
 * lanes in which two vectors differ.
 */
export function unitSensitivity(
  metric: Metric,
  neighbours: NoisePromise['neighbours'],
): Sensitivity {
  const lanes = neighbours === 'zero' ? mostSet(metric) : mostDifferent(metric);
  return { l1: lanes, l2Squared: lanes };
}

/** Against a vector of zeros: the most lanes that are 1. */
function mostSet(metric: Metric): number {
  switch (metric.kind) {
    case 'category':
    case 'top-k':
    case 'cross-tabulation':
      return 1;
    // A value and that it was reported; reported and clipped; a bucket and clipped.
    case 'flag':
    case 'count':
    case 'sum':
    case 'mean':
    case 'variance':
    case 'histogram':
    case 'distribution':
      return 2;
    case 'multi-select':
      return metric.most + 2;
  }
}

/** Between any two, nothing reported being one of them. */
function mostDifferent(metric: Metric): number {
  switch (metric.kind) {
    case 'category':
    case 'top-k':
    case 'cross-tabulation':
      return 2;
    case 'flag':
    case 'count':
    case 'sum':
    case 'mean':
    case 'variance':
      return 2;
    // One bucket becomes another one, which clips.
    case 'histogram':
    case 'distribution':
      return 3;
    // Reported by both, clipped by one; or all of one against nothing.
    case 'multi-select': {
      const all = metric.options.length + 1;
      return Math.max(metric.most + 2, Math.min(2 * metric.most, all) + 1);
    }
  }
}
