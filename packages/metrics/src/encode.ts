/**
 * From recorded values to the lanes of one device's vector.
 * Knows: consent, clipping, rounding, limbs. Doesn't know: masks, noise, packing.
 * Invariant: no lane exceeds its bound, and a group without consent is all zeros.
 */
import { InternalError } from '@onlysum/crypto';
import {
  alignDecimals,
  axesOf,
  centreStep,
  checkedDecimal,
  type CrossTabulationMetric,
  type Decimal,
  type DistributionMetric,
  decimalOf,
  type HistogramMetric,
  type Lane,
  logBuckets,
  type Manifest,
  type Metric,
  type MultiSelectMetric,
  type RangeMetric,
  rangeSteps,
  type Task,
  withOther,
} from '@onlysum/task';
import { checkValue, findMetric, type RecordedValue } from './value.js';

/**
 * @param values - what was recorded, by metric; a metric without a value is simply not reported.
 * @param consented - whether the user gives this group now.
 * @returns one number a lane, owned by the caller, who wipes it.
 * @throws {UsageError} `metric-unknown`, `metric-derived`, `value-type` or `value-not-finite`.
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
  for (const metric of manifest.metrics) {
    if (metric.kind !== 'cross-tabulation') continue;
    const cell = encodeCell(metric, manifest, encoded);
    if (cell !== undefined) encoded.set(metric.name, cell);
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
  /** Of the distance from the centre, in steps. */
  readonly square: bigint;
  /** Buckets, categories, options or cells that hold it. */
  readonly positions: readonly number[];
  readonly clipped: boolean;
}

const NOTHING: Encoded = { value: 0n, square: 0n, positions: [], clipped: false };

function laneValue(lane: Lane, encoded: ReadonlyMap<string, Encoded>): number {
  if (lane.metric === undefined) return 1;
  const own = encoded.get(lane.metric);
  if (own === undefined) return 0;
  switch (lane.role) {
    case 'value':
      return limbOf(own.value, lane.limb);
    case 'square':
      return limbOf(own.square, lane.limb);
    case 'clipped':
      return own.clipped ? 1 : 0;
    case 'bucket':
    case 'category':
    case 'option':
    case 'cell':
      return own.positions.includes(lane.position ?? -1) ? 1 : 0;
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
      return { ...NOTHING, value: value === true ? 1n : 0n };
    case 'category':
      return listed(metric.categories, value);
    case 'top-k':
      return listed(metric.candidates, value);
    case 'multi-select':
      return encodeSelections(metric, value);
    case 'count': {
      const clipped = Number(value) > metric.max;
      return { ...NOTHING, value: BigInt(clipped ? metric.max : Number(value)), clipped };
    }
    case 'sum':
    case 'mean':
    case 'variance':
      return encodeRange(metric, decimalOf(Number(value)));
    case 'histogram':
      return encodeBucket(metric, decimalOf(Number(value)));
    case 'distribution':
      return encodeLogBucket(metric, Number(value));
    // Recorded through its rows and columns: see encodeCell.
    case 'cross-tabulation':
      return NOTHING;
  }
}

function listed(names: readonly string[], value: RecordedValue): Encoded {
  return { ...NOTHING, positions: [withOther(names).indexOf(String(value))] };
}

// Selections come in the manifest's order: the first ones count.
function encodeSelections({ options, most }: MultiSelectMetric, value: RecordedValue): Encoded {
  const all = withOther(options);
  const chosen = Array.isArray(value) ? value.map((each) => all.indexOf(String(each))) : [];
  return { ...NOTHING, positions: chosen.slice(0, most), clipped: chosen.length > most };
}

/** Undefined unless both of its metrics have a value. */
function encodeCell(
  metric: CrossTabulationMetric,
  manifest: Manifest,
  encoded: ReadonlyMap<string, Encoded>,
): Encoded | undefined {
  const [row, column] = [metric.rows, metric.columns].map(
    (name) => encoded.get(name)?.positions[0],
  );
  if (row === undefined || column === undefined) return undefined;
  const { columns } = axesOf(metric, manifest);
  return { ...NOTHING, positions: [row * columns.length + column] };
}

// Rounds to the nearest step, halves up.
function encodeRange(metric: RangeMetric, value: Decimal): Encoded {
  const [x = 0n, min = 0n, max = 0n, resolution = 1n] = alignDecimals(
    value,
    checkedDecimal(metric.min),
    checkedDecimal(metric.max),
    checkedDecimal(metric.resolution),
  ).units;
  if (x < min) return steps(metric, 0n, true);
  if (x > max) return steps(metric, rangeSteps(metric), true);
  return steps(metric, (2n * (x - min) + resolution) / (2n * resolution), false);
}

function steps(metric: RangeMetric, value: bigint, clipped: boolean): Encoded {
  const distance = value - centreStep(metric);
  return { ...NOTHING, value, square: distance * distance, clipped };
}

function encodeBucket(metric: HistogramMetric, value: Decimal): Encoded {
  const [x = 0n, ...edges] = alignDecimals(value, ...metric.edges.map(checkedDecimal)).units;
  const last = edges.length - 1;
  const reached = edges.filter((edge) => edge <= x).length - 1;
  return {
    ...NOTHING,
    positions: [Math.min(Math.max(reached, 0), last - 1)],
    clipped: reached < 0 || x > (edges[last] ?? x),
  };
}

function encodeLogBucket(metric: DistributionMetric, value: number): Encoded {
  const buckets = logBuckets(metric);
  const found = buckets.findIndex(({ to }) => value < to);
  const position = found === -1 ? buckets.length - 1 : found;
  return { ...NOTHING, positions: [position], clipped: value > Number(metric.max) };
}
