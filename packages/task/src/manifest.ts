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
  /** An estimate that fewer devices gave a value for is not shown. */
  readonly minRespondents: number;
  readonly privacy: Privacy;
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

/** Noise that the devices add themselves, and what it promises each of them. Protocol §7. */
export type Privacy = NoNoise | SkellamPrivacy | LaplacePrivacy;

/** Totals are exact. Notice, receipts and the coordinator's log say so. */
export interface NoNoise {
  readonly mechanism: 'none';
}

/** Skellam noise: (ε, δ) for one window's whole vector. */
export interface SkellamPrivacy extends NoisePromise {
  readonly mechanism: 'skellam';
  /** δ of one window, a decimal string above 0. */
  readonly delta: string;
}

/** Discrete Laplace noise: a pure ε for one window's whole vector. */
export interface LaplacePrivacy extends NoisePromise {
  readonly mechanism: 'discrete-laplace';
}

export interface NoisePromise {
  /** ε of one window, a decimal string. */
  readonly epsilon: string;
  /**
   * Whose vectors must look alike: a device's and all zeros (`zero`), or any two that a device could
   * send (`replace`). Participation itself is known to coordinator and registrar.
   */
  readonly neighbours: 'zero' | 'replace';
  /** What a device lets its windows of any `days` days cost together; beyond, it refuses. */
  readonly budget: { readonly epsilon: string; readonly delta: string; readonly days: number };
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
  /** Who may read its results. */
  readonly access: readonly Role[];
}

/** Roles of people who read results. */
export const ROLES = ['operator', 'analyst', 'auditor', 'privacy-officer'] as const;
export type Role = (typeof ROLES)[number];

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

/** Any number of `options`, or `other`; beyond `most` of them it is clipped. The last value counts. */
export interface MultiSelectMetric extends MetricBase {
  readonly kind: 'multi-select';
  readonly options: readonly string[];
  /** The most selections of one device that count: those that come first in `options`. */
  readonly most: number;
}

/**
 * A number clipped to `min`…`max` and rounded to `min` plus a multiple of `resolution`, all decimal
 * strings. A `sum` adds up what a device records in a window; of a `mean` and a `variance` (which gives
 * the mean too) the last value counts.
 */
export interface RangeMetric extends MetricBase {
  readonly kind: 'sum' | 'mean' | 'variance';
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

/**
 * Logarithmic buckets from `min` to `max`, from which quantiles come with a relative error of at most
 * `relativeError` (as DDSketch). A value below `min` is counted as such, one above `max` as clipped.
 */
export interface DistributionMetric extends MetricBase {
  readonly kind: 'distribution';
  readonly min: string;
  readonly max: string;
  /** 0.001 to 0.99. */
  readonly relativeError: string;
  readonly unit: string;
}

/** How two category metrics of its group go together; recorded through them. */
export interface CrossTabulationMetric extends MetricBase {
  readonly kind: 'cross-tabulation';
  /** Names of category metrics. */
  readonly rows: string;
  readonly columns: string;
}

/** One of `candidates`, or `other`; the result shows the `k` most frequent. The last value counts. */
export interface TopKMetric extends MetricBase {
  readonly kind: 'top-k';
  readonly candidates: readonly string[];
  readonly k: number;
}

export type Metric =
  | FlagMetric
  | CountMetric
  | CategoryMetric
  | MultiSelectMetric
  | RangeMetric
  | HistogramMetric
  | DistributionMetric
  | CrossTabulationMetric
  | TopKMetric;

/** What every list of categories, options or candidates has besides those it lists. */
export const OTHER_CATEGORY = 'other';
