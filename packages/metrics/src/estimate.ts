/**
 * From the opened sum of a round to what an analyst reads.
 * Knows: kinds, limbs, ranges. Doesn't know: rounds, devices, storage.
 * Invariant: totals are exact and are rounded to a double once; the result is plain JSON.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import {
  alignDecimals,
  type CategoryMetric,
  type CountMetric,
  checkedDecimal,
  type Decimal,
  type HistogramMetric,
  type Lane,
  type LaneRole,
  type Layout,
  type Manifest,
  type Metric,
  OTHER_CATEGORY,
  type RangeMetric,
} from '@onlysum/task';
import { decimalToNumber, perCount } from './ratio.js';

/** `reported` devices gave a value, `clipped` of them one outside the range. Null: nobody did. */
export type MetricResult =
  | {
      readonly kind: 'flag';
      readonly yes: number;
      readonly reported: number;
      readonly share: number | null;
    }
  | {
      readonly kind: 'count';
      readonly total: number;
      readonly mean: number | null;
      readonly reported: number;
      readonly clipped: number;
    }
  | {
      readonly kind: 'category';
      /** Devices by category, `other` last. */
      readonly counts: Readonly<Record<string, number>>;
      readonly reported: number;
    }
  | {
      readonly kind: 'sum' | 'mean';
      readonly total: number;
      readonly mean: number | null;
      readonly reported: number;
      readonly clipped: number;
      readonly unit: string;
    }
  | {
      readonly kind: 'histogram';
      /** Edges in `unit`; `to` is exclusive except in the last bucket. */
      readonly buckets: readonly {
        readonly from: number;
        readonly to: number;
        readonly count: number;
      }[];
      readonly reported: number;
      readonly clipped: number;
      readonly unit: string;
    };

export interface WindowResult {
  /** Devices in the sum. */
  readonly survivors: number;
  /** By group: how many of them gave it. */
  readonly groups: Readonly<Record<string, { readonly respondents: number }>>;
  readonly metrics: Readonly<Record<string, MetricResult>>;
  /** Labels of lanes whose sum no set of honest devices gives: some device spoiled them. */
  readonly implausible: readonly string[];
}

/**
 * @param lanes - opened and decoded sums, one a lane.
 * @param survivors - devices in the sum.
 * @throws {UsageError} `argument-invalid` if `lanes` are not integers, one for each lane.
 */
export function estimateTotals(
  manifest: Manifest,
  layout: Layout,
  lanes: readonly number[],
  survivors: number,
): WindowResult {
  checkSums(layout, lanes, survivors);
  const sum = (lane: Lane): number => lanes[lane.index] ?? 0;
  const respondents = layout.lanes
    .filter((lane) => lane.role === 'respondents')
    .map((lane) => [lane.group, { respondents: sum(lane) }] as const);
  const metrics = manifest.metrics.map((metric) => {
    const own = layout.lanes.filter((lane) => lane.metric === metric.name);
    return [metric.name, estimate(metric, sumsByRole(own, sum))] as const;
  });
  return {
    survivors,
    groups: Object.fromEntries(respondents),
    metrics: Object.fromEntries(metrics),
    implausible: layout.lanes
      .filter((lane) => sum(lane) < -lane.tail || sum(lane) > survivors * lane.bound + lane.tail)
      .map((lane) => lane.label),
  };
}

function checkSums(layout: Layout, lanes: readonly number[], survivors: number): void {
  if (!Number.isSafeInteger(survivors) || survivors < 0) {
    throw invalid('survivors', 'an integer ≥ 0', survivors);
  }
  if (lanes.length !== layout.lanes.length) {
    throw invalid('lanes', `${layout.lanes.length} sums`, lanes);
  }
  for (const { index, label } of layout.lanes) {
    if (!Number.isSafeInteger(lanes[index])) {
      throw invalid(`lanes[${index}] (${label})`, 'an integer', lanes[index]);
    }
  }
}

/** Sums of one metric: `all(role)` in the order of the lanes, `one(role)` the first of them. */
interface Sums {
  readonly one: (role: LaneRole) => number;
  readonly all: (role: LaneRole) => readonly number[];
  /** The value's sum, its limbs recombined. */
  readonly value: bigint;
}

function sumsByRole(own: readonly Lane[], sum: (lane: Lane) => number): Sums {
  const all = (role: LaneRole) => own.filter((lane) => lane.role === role).map(sum);
  const value = own
    .filter((lane) => lane.role === 'value')
    .reduce(
      (total, lane) => total + BigInt(sum(lane)) * 2n ** BigInt(16 * (lane.limb?.index ?? 0)),
      0n,
    );
  return { one: (role) => all(role)[0] ?? 0, all, value };
}

function estimate(metric: Metric, sums: Sums): MetricResult {
  switch (metric.kind) {
    case 'flag': {
      const yes = Number(sums.value);
      const reported = sums.one('reported');
      return { kind: 'flag', yes, reported, share: perCount(whole(sums.value), reported) };
    }
    case 'count':
      return estimateCount(metric, sums);
    case 'category':
      return estimateCategory(metric, sums);
    case 'sum':
    case 'mean':
      return estimateRange(metric, sums);
    case 'histogram':
      return estimateHistogram(metric, sums);
    default:
      throw new Error(metric.kind);
  }
}

function estimateCount({ kind }: CountMetric, sums: Sums): MetricResult {
  const reported = sums.one('reported');
  const mean = perCount(whole(sums.value), reported);
  return { kind, total: Number(sums.value), mean, reported, clipped: sums.one('clipped') };
}

function estimateCategory({ kind, categories }: CategoryMetric, sums: Sums): MetricResult {
  const counts = sums.all('category');
  const names = [...categories, OTHER_CATEGORY];
  return {
    kind,
    counts: Object.fromEntries(names.map((name, i) => [name, counts[i] ?? 0])),
    reported: counts.reduce((a, b) => a + b, 0),
  };
}

// Each device sent (value − min) / resolution.
function estimateRange(
  { kind: any, min, resolution, unit }: RangeMetric,
  sums: Sums,
): MetricResult {
  const kind = any === 'sum' ? 'sum' : 'mean';
  const reported = sums.one('reported');
  const { units, scale } = alignDecimals(checkedDecimal(min), checkedDecimal(resolution));
  const [low = 0n, step = 0n] = units;
  const total = { unscaled: low * BigInt(reported) + step * sums.value, scale };
  return {
    kind,
    total: decimalToNumber(total),
    mean: perCount(total, reported),
    reported,
    clipped: sums.one('clipped'),
    unit,
  };
}

function estimateHistogram({ kind, edges, unit }: HistogramMetric, sums: Sums): MetricResult {
  const counts = sums.all('bucket');
  return {
    kind,
    buckets: counts.map((count, i) => ({
      from: Number(edges[i]),
      to: Number(edges[i + 1]),
      count,
    })),
    reported: counts.reduce((a, b) => a + b, 0),
    clipped: sums.one('clipped'),
    unit,
  };
}

function whole(unscaled: bigint): Decimal {
  return { unscaled, scale: 0 };
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
