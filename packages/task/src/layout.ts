/**
 * From a manifest to lanes: what each u32 of the masked vector means and how wide it is. Protocol §3.
 * Knows: bounds, widths, limbs, labels. Doesn't know: values, masks, noise.
 * Invariant: no sum over `cohort.max` devices can wrap its lane, and labels are unique.
 */
import { UsageError } from '@onlysum/crypto';
import { alignDecimals, checkedDecimal } from './decimal.js';
import { type Manifest, type Metric, OTHER_CATEGORY, type RangeMetric } from './manifest.js';

export type LaneRole = 'respondents' | 'value' | 'reported' | 'clipped' | 'bucket' | 'category';

export interface Lane {
  readonly index: number;
  /** Undefined for a group's respondents. */
  readonly metric: string | undefined;
  readonly group: string;
  readonly role: LaneRole;
  /** Unique, e.g. `startup_ms.bucket[0,100)`. */
  readonly label: string;
  /** B: the most one device can put in. */
  readonly bound: number;
  /** T: noise beyond ±T is negligible; 0 without noise. */
  readonly tail: number;
  /** w, bits: the lane is sent and summed modulo 2^w. */
  readonly width: number;
  /** Which bucket or category, from 0; `other` comes last. */
  readonly position?: number;
  /** This lane carries bits 16·index to 16·index + 15 of a value; its own sum becomes known. */
  readonly limb?: { readonly index: number; readonly count: number };
}

export interface Layout {
  readonly lanes: readonly Lane[];
  readonly widths: readonly number[];
  /** Length of a packed vector. */
  readonly vectorBytes: number;
}

/** Room for hundreds of metrics with all their buckets; beyond, each upload nears 256 kB. */
const MAX_LANES = 65_535;
const LIMB_BITS = 16;
const LIMB_BOUND = 2 ** LIMB_BITS - 1;

/**
 * Order: for each group its respondents, then its metrics in the manifest's order.
 *
 * @throws {UsageError} `metric-could-wrap` with the metric's name if a sum could exceed 2^53 − 1;
 *   `manifest-invalid` if there would be more than 65,535 lanes.
 */
export function compileLayout(manifest: Manifest): Layout {
  const drafts = manifest.groups.flatMap((group) => [
    unit({
      metric: undefined,
      group: group.name,
      role: 'respondents',
      label: `${group.name}.respondents`,
    }),
    ...manifest.metrics
      .filter((metric) => metric.group === group.name)
      .flatMap((metric) => metricLanes(metric, manifest.cohort.max)),
  ]);
  if (drafts.length > MAX_LANES) {
    throw new UsageError(
      'manifest-invalid',
      `metrics: expected at most ${MAX_LANES} lanes in all, got ${drafts.length}`,
      { field: 'metrics', expected: `at most ${MAX_LANES} lanes`, got: String(drafts.length) },
    );
  }
  const lanes = drafts.map((draft, index): Lane => {
    const tail = 0;
    return { ...draft, index, tail, width: laneWidth(manifest.cohort.max, draft.bound, tail) };
  });
  const widths = lanes.map((lane) => lane.width);
  return { lanes, widths, vectorBytes: Math.ceil(widths.reduce((sum, w) => sum + w, 0) / 8) };
}

/** bitLength(max·B + 2·T). */
export function laneWidth(maxDevices: number, bound: number, tail: number): number {
  return (BigInt(maxDevices) * BigInt(bound) + 2n * BigInt(tail)).toString(2).length;
}

/**
 * The sum that an opened lane stands for: ((x + T) mod 2^w) − T, from −T to max·B + T.
 *
 * @param x - opened lane, an integer ≥ 0; bits above the width are ignored.
 */
export function decodeLane(x: number, { tail, width }: Pick<Lane, 'tail' | 'width'>): number {
  return ((x + tail) % 2 ** width) - tail;
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

type Draft = Omit<Lane, 'index' | 'tail' | 'width'>;

function metricLanes(metric: Metric, maxDevices: number): Draft[] {
  const { name, group } = metric;
  const one = (role: LaneRole, label: string, position?: number): Draft =>
    unit({
      metric: name,
      group,
      role,
      label: `${name}.${label}`,
      ...(position === undefined ? {} : { position }),
    });
  switch (metric.kind) {
    case 'flag':
      return [one('value', 'value'), one('reported', 'reported')];
    case 'count':
      return [
        ...valueLanes(metric, BigInt(metric.max), maxDevices),
        one('reported', 'reported'),
        one('clipped', 'clipped'),
      ];
    case 'sum':
    case 'mean':
      return [
        ...valueLanes(metric, rangeSteps(metric), maxDevices),
        one('reported', 'reported'),
        one('clipped', 'clipped'),
      ];
    case 'category':
      return [...metric.categories, OTHER_CATEGORY].map((category, i) =>
        one('category', `category[${category}]`, i),
      );
    case 'histogram':
      return [
        ...bucketLabels(metric.edges).map((label, i) => one('bucket', `bucket${label}`, i)),
        one('clipped', 'clipped'),
      ];
  }
}

function unit(lane: Omit<Draft, 'bound'>): Draft {
  return { ...lane, bound: 1 };
}

function bucketLabels(edges: readonly string[]): string[] {
  return edges.slice(1).map((to, i) => `[${edges[i]},${to}${i === edges.length - 2 ? ']' : ')'}`);
}

// One lane if max·B fits 32 bits, else 16-bit limbs, whose sums do for every cohort: 65,535² < 2^32.
function valueLanes(metric: Metric, bound: bigint, maxDevices: number): Draft[] {
  const largest = bound * BigInt(maxDevices);
  if (largest > BigInt(Number.MAX_SAFE_INTEGER)) throw couldWrap(metric, bound, maxDevices);
  const lane = { metric: metric.name, group: metric.group, role: 'value' } as const;
  if (largest < 2n ** 32n)
    return [{ ...lane, label: `${metric.name}.value`, bound: Number(bound) }];
  const count = Math.ceil(bound.toString(2).length / LIMB_BITS);
  return Array.from({ length: count }, (_, index) => ({
    ...lane,
    label: `${metric.name}.value.limb[${index}/${count}]`,
    bound: index < count - 1 ? LIMB_BOUND : Number(bound >> BigInt(LIMB_BITS * index)),
    limb: { index, count },
  }));
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
