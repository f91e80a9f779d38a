/**
 * From recorded values to the lanes of one device's vector.
 * Knows: consent, clipping, rounding, limbs. Doesn't know: masks, noise, packing.
 * Invariant: no lane exceeds its bound, and a group without consent is all zeros.
 */
import { InternalError } from '@onlysum/crypto';
import {
  alignDecimals,
  checkedDecimal,
  type Decimal,
  decimalOf,
  type HistogramMetric,
  type Lane,
  type Metric,
  OTHER_CATEGORY,
  type RangeMetric,
  rangeSteps,
  type Task,
} from '@onlysum/task';
import { checkValue, findMetric, type RecordedValue } from './value.js';

/**
 * @param values - what was recorded, by metric; a metric without a value is simply not reported.
 * @param consented - whether the user gives this group now.
 * @returns one number a lane, owned by the caller, who wipes it.
 * @throws {UsageError} `metric-unknown`, `value-type` or `value-not-finite`.
 */
export function encodeLanes(
  { manifest, layout }: Pick<Task, 'manifest' | 'layout'>,
  values: ReadonlyMap<string, RecordedValue>,
  consented: (group: string) => boolean,
): Uint32Array {
  const encoded = new Map<string, Encoded>();
  for (const [name, value] of values) {
    const metric = findMetric(manifest, name);
    encoded.set(name, encodeValue(metric, checkValue(metric, value)));
  }
  // Asked once a group, so that a change of mind half-way cannot split one.
  const given = new Set(manifest.groups.map((g) => g.name).filter((name) => consented(name)));
  const lanes = new Uint32Array(layout.lanes.length);
  for (const lane of layout.lanes) {
    if (!given.has(lane.group)) continue;
    const value = laneValue(lane, encoded);
    if (value > lane.bound) {
      throw new InternalError('internal', `lane ${lane.label}: a value exceeds its bound`);
    }
    lanes[lane.index] = value;
  }
  return lanes;
}

interface Encoded {
  /** Steps above the minimum. */
  readonly value: bigint;
  /** Bucket or category. */
  readonly position: number;
  readonly clipped: boolean;
}

function laneValue(lane: Lane, encoded: ReadonlyMap<string, Encoded>): number {
  if (lane.metric === undefined) return 1;
  const own = encoded.get(lane.metric);
  if (own === undefined) return 0;
  switch (lane.role) {
    case 'value':
      return limbOf(own.value, lane.limb);
    case 'clipped':
      return own.clipped ? 1 : 0;
    case 'bucket':
    case 'category':
      return own.position === lane.position ? 1 : 0;
    case 'reported':
    case 'respondents':
      return 1;
  }
}

function limbOf(value: bigint, limb: Lane['limb']): number {
  return limb === undefined
    ? Number(value)
    : Number(BigInt.asUintN(16, value >> BigInt(16 * limb.index)));
}

function encodeValue(metric: Metric, value: RecordedValue): Encoded {
  switch (metric.kind) {
    case 'flag':
      return { value: value === true ? 1n : 0n, position: 0, clipped: false };
    case 'category': {
      const position = [...metric.categories, OTHER_CATEGORY].indexOf(String(value));
      return { value: 0n, position, clipped: false };
    }
    case 'count': {
      const clipped = Number(value) > metric.max;
      return { value: BigInt(clipped ? metric.max : Number(value)), position: 0, clipped };
    }
    case 'sum':
    case 'mean':
      return encodeRange(metric, decimalOf(Number(value)));
    case 'histogram':
      return encodeBucket(metric, decimalOf(Number(value)));
  }
}

// Rounds to the nearest step, halves up.
function encodeRange(metric: RangeMetric, value: Decimal): Encoded {
  const [x = 0n, min = 0n, max = 0n, resolution = 1n] = alignDecimals(
    value,
    checkedDecimal(metric.min),
    checkedDecimal(metric.max),
    checkedDecimal(metric.resolution),
  ).units;
  if (x < min) return { value: 0n, position: 0, clipped: true };
  if (x > max) return { value: rangeSteps(metric), position: 0, clipped: true };
  return { value: (2n * (x - min) + resolution) / (2n * resolution), position: 0, clipped: false };
}

function encodeBucket(metric: HistogramMetric, value: Decimal): Encoded {
  const [x = 0n, ...edges] = alignDecimals(value, ...metric.edges.map(checkedDecimal)).units;
  const last = edges.length - 1;
  const reached = edges.filter((edge) => edge <= x).length - 1;
  return {
    value: 0n,
    position: Math.min(Math.max(reached, 0), last - 1),
    clipped: reached < 0 || x > (edges[last] ?? x),
  };
}
