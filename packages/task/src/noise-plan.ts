/**
 * From ε and δ to the noise of each lane. Protocol §7.
 * Knows: blocks, sensitivities, how a window's promise is divided among blocks. Doesn't know: sampling.
 * Invariant: what a device pays for a window, by this plan, is at most the manifest's (ε, δ).
 *
 * Every block gets the same part of the promise: with K blocks the noise of a block is that of a metric
 * alone times √K (Skellam) or K (discrete Laplace), in units of the block's own sensitivity.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import {
  addCosts,
  epsilonOf,
  GRAPH_FAILURE,
  type PrivacyCost,
  pureCost,
  skellamCost,
} from './accounting.js';
import { corruptBound, dropoutBound } from './bounds.js';
import { checkedDecimal } from './decimal.js';
import type { LaplacePrivacy, Manifest, NoisePromise, SkellamPrivacy } from './manifest.js';
import type { LaneDraft } from './metric-lanes.js';
import type { NoiseScale } from './noise-scale.js';
import { noiseTail } from './noise-tail.js';
import { type Sensitivity, laneSensitivity, unitSensitivity } from './sensitivity.js';

export interface NoisePlan {
  /** Of one window. */
  readonly cost: PrivacyCost;
  /** {@link noiseShares}. */
  readonly shares: number;
  /** By the block of a lane. */
  readonly blocks: ReadonlyMap<string, NoiseBlock>;
}

export interface NoiseBlock {
  readonly sensitivity: Sensitivity;
  readonly scale: NoiseScale;
  readonly tail: number;
}

/** Variances are multiples of this times Δ₂²: exact numbers, and no device needs more digits. */
const STEPS_PER_UNIT = 1024;
const MOST_STEPS = 2 ** 50;
/** Flatter noise fits no lane of 32 bits. */
const LEAST_RATE = 2 ** -30;

/**
 * @returns undefined without noise.
 * @throws {UsageError} `manifest-invalid` if no noise that lanes could hold keeps the promise.
 */
export function planNoise(manifest: Manifest, drafts: readonly LaneDraft[]): NoisePlan | undefined {
  const { privacy } = manifest;
  if (privacy.mechanism === 'none') return undefined;
  const blocks = sensitivities(manifest, privacy, drafts);
  const { cost, scaleOf } =
    privacy.mechanism === 'skellam'
      ? skellam(privacy, [...blocks.values()])
      : laplace(privacy, [...blocks.values()]);
  const shares = noiseShares(manifest);
  if (shares < 1) throw noneHonest(manifest);
  // All devices of the largest cohort add a share.
  const surplus = manifest.cohort.max / shares;
  const planned = [...blocks].map(([name, sensitivity]): [string, NoiseBlock] => {
    const scale = scaleOf(sensitivity);
    return [name, { sensitivity, scale, tail: noiseTail(scale, surplus) }];
  });
  return { cost, shares, blocks: new Map(planned) };
}

/**
 * How many devices' shares make the whole noise: the least n − D − A of all cohort sizes.
 *
 * Not that of the roster at hand, of which a device learns in the round. Drawing takes the longer the
 * larger the noise, so it has to be over before anybody could tell how long it took: before the device
 * connects. A cohort larger than the smallest one thus carries more noise than it must.
 *
 * @returns 0 or less if some cohort may have no honest device.
 */
export function noiseShares({
  cohort,
  assumptions,
}: Pick<Manifest, 'cohort' | 'assumptions'>): number {
  let least = Number.POSITIVE_INFINITY;
  for (let n = cohort.min; n <= cohort.max; n++) {
    const honest = n - dropoutBound(n, assumptions.dropout) - corruptBound(n, assumptions.corrupt);
    least = Math.min(least, honest);
  }
  return least;
}

function sensitivities(
  { metrics }: Manifest,
  { neighbours }: NoisePromise,
  drafts: readonly LaneDraft[],
): ReadonlyMap<string, Sensitivity> {
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  return new Map(
    drafts.map(({ block, bound }) => {
      const metric = byName.get(block);
      return [
        block,
        metric === undefined ? laneSensitivity(bound) : unitSensitivity(metric, neighbours),
      ];
    }),
  );
}

interface Scaled {
  readonly cost: PrivacyCost;
  readonly scaleOf: (sensitivity: Sensitivity) => NoiseScale;
}

/** The least multiple that keeps the promise. */
function skellam({ epsilon, delta }: SkellamPrivacy, blocks: readonly Sensitivity[]): Scaled {
  const costAt = (steps: number): PrivacyCost => {
    const unit = (steps * blocks.length) / STEPS_PER_UNIT;
    return addCosts(
      ...blocks.map(({ l1, l2Squared }) =>
        skellamCost({ l1, l2Squared, variance: unit * l2Squared }),
      ),
    );
  };
  const isKept = (steps: number): boolean =>
    epsilonOf(costAt(steps), Number(delta) - GRAPH_FAILURE) <= Number(epsilon);
  let [low, high] = [0, 1];
  while (!isKept(high)) {
    if (high >= MOST_STEPS) throw tooStrict(epsilon, delta);
    [low, high] = [high, 2 * high];
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isKept(middle)) high = middle;
    else low = middle;
  }
  const unit = BigInt(high) * BigInt(blocks.length);
  return {
    cost: costAt(high),
    scaleOf: ({ l2Squared }) => ({
      mechanism: 'skellam',
      variance: { numerator: unit * BigInt(l2Squared), denominator: BigInt(STEPS_PER_UNIT) },
    }),
  };
}

/** Integer orders up to 1,024 show no smaller ε with this δ, however much noise there is. */
function tooStrict(epsilon: string, delta: string): UsageError {
  const expected = `an epsilon that can be shown with delta ${delta}: raise one of them`;
  return invalidField(UsageError, 'manifest-invalid', 'privacy.epsilon', expected, epsilon);
}

/** ε/(K·Δ₁) a unit, so that K blocks cost ε. */
function laplace({ epsilon }: LaplacePrivacy, blocks: readonly Sensitivity[]): Scaled {
  const { unscaled, scale } = checkedDecimal(epsilon);
  const farthest = Math.max(...blocks.map(({ l1 }) => l1));
  if (Number(epsilon) / (blocks.length * farthest) < LEAST_RATE) {
    const expected = `more for ${blocks.length} blocks and values of ${farthest} steps, or a coarser resolution`;
    throw invalidField(UsageError, 'manifest-invalid', 'privacy.epsilon', expected, epsilon);
  }
  return {
    cost: pureCost(Number(epsilon)),
    scaleOf: ({ l1 }) => ({
      mechanism: 'discrete-laplace',
      rate: { numerator: unscaled, denominator: 10n ** BigInt(scale) * BigInt(blocks.length * l1) },
    }),
  };
}

function noneHonest({ cohort }: Manifest): UsageError {
  const expected =
    'a cohort of which one device is honest and stays, since such devices carry the noise';
  return invalidField(UsageError, 'manifest-invalid', 'cohort.min', expected, cohort.min);
}
