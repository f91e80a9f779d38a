/**
 * The lanes of one metric, before they have widths. Protocol §3.1.
 * Knows: kinds, bounds, limbs, labels, and which lanes share one noise. Doesn't know: widths, values.
 */
import { UsageError } from '@onlysum/crypto';
import { alignDecimals, checkedDecimal } from './decimal.js';
import { logBuckets } from './log-buckets.js';
import {
  type CategoryMetric,
  type CrossTabulationMetric,
  type Manifest,
  type Metric,
  OTHER_CATEGORY,
  type RangeMetric,
} from './manifest.js';

export type LaneRole =
  | 'respondents'
  | 'value'
  | 'square'
  | 'reported'
  | 'clipped'
  | 'bucket'
  | 'category'
  | 'option'
  | 'cell';

export interface LaneDraft {
  readonly metric: string | undefined;
  readonly group: string;
  readonly role: LaneRole;
  readonly label: string;
  readonly bound: number;
  /** Lanes of one block get noise of one scale: a metric's lanes of bound 1 together, others alone. */
  readonly block: string;
  readonly position?: number;
  readonly limb?: { readonly index: number; readonly count: number };
}

const LIMB_BITS = 16;
const LIMB_BOUND = 2 ** LIMB_BITS - 1;
/**
 * Most steps of a value in a lane with noise. Its noise is never below the whole range over ε, so a
 * finer resolution would be lost in it, and cost time to draw.
 */
const MOST_NOISY_STEPS = 2n ** 20n;

export function respondentsLane(group: string): LaneDraft {
  const label = `${group}.respondents`;
  return { metric: undefined, group, role: 'respondents', label, bound: 1, block: label };
}

/** @throws {UsageError} `metric-could-wrap`, `noise-too-fine`. */
export function metricLanes(metric: Metric, manifest: Manifest): LaneDraft[] {
  const one = (role: LaneRole, label: string, position?: number): LaneDraft => ({
    metric: metric.name,
    group: metric.group,
    role,
    label: `${metric.name}.${label}`,
    bound: 1,
    block: metric.name,
    ...(position === undefined ? {} : { position }),
  });
  const several = (role: LaneRole, labels: readonly string[]): LaneDraft[] =>
    labels.map((label, i) => one(role, `${role}${label}`, i));
  const amount = (role: 'value' | 'square', bound: bigint): LaneDraft[] =>
    amountLanes(metric, role, bound, manifest);
  const clipped = one('clipped', 'clipped');
  const reported = [one('reported', 'reported'), clipped];
  switch (metric.kind) {
    case 'flag':
      return [one('value', 'value'), one('reported', 'reported')];
    case 'count':
      return [...amount('value', BigInt(metric.max)), ...reported];
    case 'sum':
    case 'mean':
      return [...amount('value', rangeSteps(metric)), ...reported];
    case 'variance': {
      const steps = rangeSteps(metric);
      const farthest = steps - centreStep(metric);
      return [...amount('value', steps), ...amount('square', farthest * farthest), ...reported];
    }
    case 'category':
      return several('category', withOther(metric.categories).map(bracketed));
    case 'top-k':
      return several('category', withOther(metric.candidates).map(bracketed));
    case 'multi-select':
      return [...several('option', withOther(metric.options).map(bracketed)), ...reported];
    case 'histogram':
      return [...several('bucket', histogramLabels(metric.edges)), clipped];
    case 'distribution':
      return [
        ...several(
          'bucket',
          logBuckets(metric).map(({ label }) => label),
        ),
        clipped,
      ];
    case 'cross-tabulation': {
      const { rows, columns } = axesOf(metric, manifest);
      return several(
        'cell',
        rows.flatMap((row) => columns.map((column) => `[${row}][${column}]`)),
      );
    }
  }
}

/** How many steps of its resolution a range has: the bound of its value. */
export function rangeSteps(metric: RangeMetric): bigint {
  const [min = 0n, max = 0n, resolution = 1n] = alignDecimals(
    checkedDecimal(metric.min),
    checkedDecimal(metric.max),
    checkedDecimal(metric.resolution),
  ).units;
  return (max - min) / resolution;
}

/** The step from which a `variance` squares its distances: squares stay a quarter of those from the end. */
export function centreStep(metric: RangeMetric): bigint {
  return rangeSteps(metric) / 2n;
}

/** What a cross-tabulation's cells stand for, row by row; `other` comes last on each axis. */
export function axesOf(
  metric: CrossTabulationMetric,
  { metrics }: Pick<Manifest, 'metrics'>,
): { readonly rows: readonly string[]; readonly columns: readonly string[] } {
  const categories = (name: string): readonly string[] => {
    const isIt = (each: Metric): each is CategoryMetric =>
      each.name === name && each.kind === 'category';
    return withOther(metrics.find(isIt)?.categories ?? []);
  };
  return { rows: categories(metric.rows), columns: categories(metric.columns) };
}

/** The listed names, and `other`. */
export function withOther(listed: readonly string[]): readonly string[] {
  return [...listed, OTHER_CATEGORY];
}

function bracketed(name: string): string {
  return `[${name}]`;
}

function histogramLabels(edges: readonly string[]): string[] {
  return edges.slice(1).map((to, i) => `[${edges[i]},${to}${i === edges.length - 2 ? ']' : ')'}`);
}

// One lane if max·B fits 32 bits, else 16-bit limbs, whose sums do for every cohort: 65,535² < 2^32. Limbs
// are not for noise: each would need noise of its own, and the highest of them would drown all others.
function amountLanes(
  metric: Metric,
  role: 'value' | 'square',
  bound: bigint,
  { cohort, privacy }: Manifest,
): LaneDraft[] {
  const { name, group } = metric;
  const isNoisy = privacy.mechanism !== 'none';
  if (isNoisy && bound > MOST_NOISY_STEPS) throw tooFine(metric, role, bound);
  const largest = bound * BigInt(cohort.max);
  if (largest > BigInt(Number.MAX_SAFE_INTEGER)) throw couldWrap(metric, bound, cohort.max);
  const label = `${name}.${role}`;
  const lane = { metric: name, group, role, label, block: label };
  if (isNoisy || largest < 2n ** 32n) return [{ ...lane, bound: Number(bound) }];
  const count = Math.ceil(bound.toString(2).length / LIMB_BITS);
  return Array.from({ length: count }, (_, index) => ({
    ...lane,
    label: `${label}.limb[${index}/${count}]`,
    bound: index < count - 1 ? LIMB_BOUND : Number(bound >> BigInt(LIMB_BITS * index)),
    limb: { index, count },
  }));
}

function tooFine({ name }: Metric, role: 'value' | 'square', steps: bigint): UsageError {
  const expected =
    role === 'value'
      ? `at most ${MOST_NOISY_STEPS} steps beside noise`
      : `at most ${MOST_NOISY_STEPS} for a square beside noise, so 2,048 steps`;
  return new UsageError(
    'noise-too-fine',
    `metric ${name}: expected ${expected}, got ${steps}: choose a coarser resolution, the noise is far larger than a step`,
    { field: name, expected, got: String(steps) },
  );
}

function couldWrap({ name, kind }: Metric, bound: bigint, maxDevices: number): UsageError {
  const most = BigInt(Number.MAX_SAFE_INTEGER) / BigInt(maxDevices);
  const remedy = kind === 'count' ? 'lower max' : 'choose a coarser resolution or a smaller range';
  return new UsageError(
    'metric-could-wrap',
    `metric ${name}: expected at most ${most} steps for a sum over ${maxDevices} devices to stay exact, got ${bound}: ${remedy}, or lower cohort.max`,
    { field: name, expected: `at most ${most} steps`, got: String(bound) },
  );
}
