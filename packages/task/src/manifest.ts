/**
 * The task manifest: what is collected, from how many devices at a time, why, and by whom.
 * Knows: its fields and their meaning. Doesn't know: parsing, bytes, signatures, lanes.
 * Invariant: a `Manifest` has passed `parseManifest`; nothing in it is unknown, missing or unused.
 */

/** Protocol §2. Integers are safe integers; fractions are decimal strings; keys are lower-case hex. */
export interface Manifest {
  /** Version of the manifest format. */
  readonly onlysum: 1;
  /** Crypto suite, see `SUITE_ID`. */
  readonly suite: 1;
  readonly name: string;
  /** Grows with every change, per (publisher, name). */
  readonly version: number;
  /** Ed25519 public keys. */
  readonly publisher: string;
  readonly registrar: string;
  readonly coordinator: { readonly key: string; readonly url: string };
  readonly window: { readonly lengthMs: number };
  readonly epoch: { readonly lengthMs: number };
  readonly cohort: { readonly min: number; readonly target: number; readonly max: number };
  /** A round opens nothing with fewer survivors. */
  readonly minSurvivors: number;
  /** Attested rosters per pseudonym and window. */
  readonly attempts: number;
  readonly assumptions: Assumptions;
  /** This version adds no noise, so it knows no other promise. */
  readonly privacy: { readonly mechanism: 'none' };
  readonly validity: { readonly notBeforeMs: number; readonly notAfterMs: number };
  readonly groups: readonly Group[];
  readonly metrics: readonly Metric[];
}

export interface Assumptions {
  /** γ, per mille of a cohort. */
  readonly corrupt: number;
  /** δ, per mille of a cohort. */
  readonly dropout: number;
  /** γ_p, parts per million of the enrolled. */
  readonly population: number;
}

/** A consent group: its metrics are given or withheld together. */
export interface Group {
  readonly name: string;
  readonly purpose: string;
  /** Declined only by leaving the task. */
  readonly essential: boolean;
}

interface MetricBase {
  readonly name: string;
  readonly group: string;
  readonly purpose: string;
  readonly owner: string;
  readonly retentionDays: number;
}

/** Yes or no; the last value counts. */
export interface FlagMetric extends MetricBase {
  readonly kind: 'flag';
}

/** How often something happened; increments add up, clipped to `max` per device and window. */
export interface CountMetric extends MetricBase {
  readonly kind: 'count';
  readonly max: number;
}

/** One of `categories`, or `other`; the last value counts. */
export interface CategoryMetric extends MetricBase {
  readonly kind: 'category';
  readonly categories: readonly string[];
}

/**
 * A number clipped to `min`…`max` and rounded to `min` plus a multiple of `resolution`, all decimal
 * strings. A `sum` adds up what a device records in a window; of a `mean` the last value counts.
 */
export interface RangeMetric extends MetricBase {
  readonly kind: 'sum' | 'mean';
  readonly min: string;
  readonly max: string;
  readonly resolution: string;
  readonly unit: string;
}

/**
 * Buckets `[e0, e1)` … `[e_last-1, e_last]` between ascending decimal edges; a value outside is
 * counted in the nearest one and as clipped. The last value counts.
 */
export interface HistogramMetric extends MetricBase {
  readonly kind: 'histogram';
  readonly edges: readonly string[];
  readonly unit: string;
}

export type Metric = FlagMetric | CountMetric | CategoryMetric | RangeMetric | HistogramMetric;

/** The category that every category metric has besides those it lists. */
export const OTHER_CATEGORY = 'other';
