/**
 * The opened sums of one metric, by role, with the variance of the noise in each.
 * Knows: roles, limbs, how noise adds up. Doesn't know: kinds, units.
 */
import {
  honestDevices,
  type Lane,
  type LaneRole,
  type Layout,
  type Manifest,
  noiseVariance,
} from '@onlysum/task';
import { addSums, deviatesOf, type NoisySum, type Scope } from './estimated.js';

export interface MetricSums extends Scope {
  /** In the order of the lanes. */
  readonly all: (role: LaneRole) => readonly NoisySum[];
  /** The lane of this role; one that is split is put together again. */
  readonly one: (role: LaneRole) => NoisySum;
}

/** Who made the sum: the attested roster of `devices`, of which `survivors` are in it. */
export interface Participation {
  readonly devices: number;
  readonly survivors: number;
}

/** @param own - the lanes of one metric, or of one group's respondents. */
export type SumsOf = (own: readonly Lane[]) => MetricSums;

/**
 * Every survivor has added a share of 1/h of the noise, with h = n − D − A: those of h devices make up the
 * variance that the manifest asks for, those of s make s/h of it. That holds for Skellam noise and for
 * Pólya shares of Laplace noise alike. Corrupt devices may have added none; then errors are smaller. The
 * noise of several rounds is independent, so its variances add up.
 *
 * @param rounds - whose sums were added up to `lanes`.
 */
export function sumsOf(
  manifest: Manifest,
  lanes: readonly number[],
  rounds: readonly Participation[],
): SumsOf {
  const survivors = survivorsOf(rounds);
  const shares = rounds.reduce(
    (sum, round) => sum + round.survivors / honestDevices(round.devices, manifest),
    0,
  );
  // A lane with noise has no limbs, so its variance needs no weight.
  const noisy = ({ index, noise, limb }: Lane): NoisySum => ({
    sum: BigInt(lanes[index] ?? 0) * 2n ** BigInt(16 * (limb?.index ?? 0)),
    variance: noise === undefined ? 0 : noiseVariance(noise) * shares,
  });
  const deviates = deviatesOf(manifest.privacy.mechanism);
  return (own) => {
    const all = (role: LaneRole): NoisySum[] => own.filter((lane) => lane.role === role).map(noisy);
    return { survivors, deviates, all, one: (role) => addSums(all(role)) };
  };
}

export function survivorsOf(rounds: readonly Participation[]): number {
  return rounds.reduce((sum, { survivors }) => sum + survivors, 0);
}

/** The lanes of each metric. */
export function lanesByMetric({ lanes }: Layout): ReadonlyMap<string, readonly Lane[]> {
  const byMetric = new Map<string, Lane[]>();
  for (const lane of lanes) {
    if (lane.metric === undefined) continue;
    const own = byMetric.get(lane.metric);
    if (own === undefined) byMetric.set(lane.metric, [lane]);
    else own.push(lane);
  }
  return byMetric;
}
