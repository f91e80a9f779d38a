/**
 * From a manifest to lanes: what each u32 of the masked vector means and how wide it is. Protocol §3.
 * Knows: order, widths, noise. Doesn't know: values, masks.
 * Invariant: without noise no sum over `cohort.max` devices can wrap its lane, with noise none does but
 * with probability 2^-40, and labels are unique.
 */
import { UsageError } from '@onlysum/crypto';
import type { Manifest, Metric } from './manifest.js';
import {
  axesOf,
  type LaneDraft,
  type LaneRole,
  metricLanes,
  respondentsLane,
} from './metric-lanes.js';
import { type NoisePlan, planNoise } from './noise-plan.js';
import type { NoiseScale } from './noise-scale.js';

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
  /** What the honest devices add together; undefined without noise. */
  readonly noise: NoiseScale | undefined;
  /** T: noise beyond ±T is negligible; 0 without noise. */
  readonly tail: number;
  /** w, bits: the lane is sent and summed modulo 2^w. */
  readonly width: number;
  /** Which bucket, category, option or cell, from 0; `other` comes last. */
  readonly position?: number;
  /** This lane carries bits 16·index to 16·index + 15 of a value; its own sum becomes known. */
  readonly limb?: { readonly index: number; readonly count: number };
}

export interface Layout {
  readonly lanes: readonly Lane[];
  readonly widths: readonly number[];
  /** Length of a packed vector. */
  readonly vectorBytes: number;
  /** What a window costs a device, and where noise comes from; undefined without noise. */
  readonly noise: NoisePlan | undefined;
}

/** Room for hundreds of metrics with all their buckets; beyond, each upload nears 256 kB. */
const MAX_LANES = 65_535;
const MAX_WIDTH = 32;

/**
 * Order: for each group its respondents, then its metrics in the manifest's order.
 *
 * @throws {UsageError} `metric-could-wrap` with the metric's name if a sum could exceed 2^53 − 1, or with
 *   noise its lane; `noise-too-fine` if a metric's resolution is lost in its noise; `manifest-invalid`
 *   if there would be more than 65,535 lanes.
 */
export function compileLayout(manifest: Manifest): Layout {
  const { max } = manifest.cohort;
  const drafts = draftLanes(manifest);
  const noise = planNoise(manifest, drafts);
  const lanes = drafts.map((draft, index): Lane => {
    const { block, ...rest } = draft;
    const { scale, tail } = noise?.blocks.get(block) ?? { scale: undefined, tail: 0 };
    // A promise that is all but impossible to keep has a tail that is no number any more.
    const width = Number.isFinite(tail) ? laneWidth(max, draft.bound, tail) : tail;
    if (width > MAX_WIDTH) throw couldWrap(draft, width);
    return { ...rest, index, noise: scale, tail, width };
  });
  const widths = lanes.map((lane) => lane.width);
  const bits = widths.reduce((sum, w) => sum + w, 0);
  return { lanes, widths, vectorBytes: Math.ceil(bits / 8), noise };
}

// Counted as they are made, and cells before: two long lists of categories have a million of them.
function draftLanes(manifest: Manifest): readonly LaneDraft[] {
  const drafts: LaneDraft[] = [];
  for (const group of manifest.groups) {
    drafts.push(respondentsLane(group.name));
    for (const metric of manifest.metrics) {
      if (metric.group !== group.name) continue;
      checkRoom(drafts.length + cellCount(metric, manifest));
      for (const lane of metricLanes(metric, manifest)) drafts.push(lane);
      checkRoom(drafts.length);
    }
  }
  return drafts;
}

function cellCount(metric: Metric, manifest: Manifest): number {
  if (metric.kind !== 'cross-tabulation') return 0;
  const { rows, columns } = axesOf(metric, manifest);
  return rows.length * columns.length;
}

function checkRoom(lanes: number): void {
  if (lanes <= MAX_LANES) return;
  const expected = `at most ${MAX_LANES} lanes in all`;
  throw new UsageError('manifest-invalid', `metrics: expected ${expected}, got ${lanes} or more`, {
    field: 'metrics',
    expected,
    got: `${lanes} or more`,
  });
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

function couldWrap({ metric, label }: LaneDraft, width: number): UsageError {
  const field = metric ?? label;
  const expected = `at most ${MAX_WIDTH} bits for a sum and its noise`;
  return new UsageError(
    'metric-could-wrap',
    `metric ${field}: expected ${expected}, got ${width} in ${label}: choose a coarser unit, a larger epsilon, or lower cohort.max`,
    { field, expected, got: String(width) },
  );
}
