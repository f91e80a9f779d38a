/**
 * From the opened sum of a round to what an analyst reads.
 * Knows: groups, who is suppressed, which lanes were spoiled. Doesn't know: rounds, devices, storage.
 * Invariant: totals are exact and are rounded to a double once; the result is plain JSON; no number of a
 * metric or group is in it that fewer than `minRespondents` devices gave, as far as noise lets one tell.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import {
  type Group,
  honestDevices,
  type Lane,
  type Layout,
  type Manifest,
  type Metric,
} from '@onlysum/task';
import { estimateCount, estimateSum } from './estimate-amount.js';
import {
  estimateCategory,
  estimateCrossTabulation,
  estimateFlag,
  estimateHistogram,
  estimateMultiSelect,
} from './estimate-counts.js';
import { estimateDistribution } from './estimate-distribution.js';
import { estimateTopK } from './estimate-top-k.js';
import { estimateVariance } from './estimate-variance.js';
import { countEstimate, type Estimate, type NoisySum } from './estimated.js';
import {
  lanesByMetric,
  type MetricSums,
  type Participation,
  sumsOf,
  survivorsOf,
} from './lane-sums.js';
import type { MetricResult, Suppressed, SuppressedResult } from './metric-result.js';

export interface WindowResult {
  /** Devices in the sum. */
  readonly survivors: number;
  readonly groups: Readonly<Record<string, GroupResult | Suppressed>>;
  readonly metrics: Readonly<Record<string, MetricResult | SuppressedResult>>;
  /** Labels of lanes whose sum no set of honest devices gives: some device spoiled them. */
  readonly implausible: readonly string[];
}

export interface GroupResult {
  /** Devices that gave it; of an essential group all survivors. */
  readonly respondents: Estimate;
  /** Of an optional group: the share of the survivors that did not give it. */
  readonly optOutRate?: Estimate;
}

/**
 * @param lanes - opened and decoded sums, one a lane; of a window, added up over its rounds.
 * @param participation - of the round, or of each of the rounds.
 * @throws {UsageError} `argument-invalid` if `lanes` are not integers, one for each lane, or a roster of
 *   so many devices cannot have so many survivors or, with noise, honest devices.
 */
export function estimateTotals(
  manifest: Manifest,
  layout: Layout,
  lanes: readonly number[],
  participation: Participation | readonly Participation[],
): WindowResult {
  const rounds = 'survivors' in participation ? [participation] : participation;
  if (rounds.length === 0) throw invalid('participation', 'at least one round', rounds);
  for (const round of rounds) checkParticipation(manifest, layout, round);
  checkSums(layout, lanes);
  const survivors = survivorsOf(rounds);
  const sums = sumsOf(manifest, lanes, rounds);
  const lanesOf = lanesByMetric(layout);
  const results = new Map(
    manifest.metrics.map((metric) => [
      metric.name,
      estimateMetric(metric, manifest, sums(lanesOf.get(metric.name) ?? [])),
    ]),
  );
  const sum = (lane: Lane): number => lanes[lane.index] ?? 0;
  return {
    survivors,
    groups: Object.fromEntries(
      manifest.groups.map((group) => {
        const own = layout.lanes.filter(
          ({ role, group: name }) => role === 'respondents' && name === group.name,
        );
        return [group.name, estimateGroup(group, manifest, sums(own))];
      }),
    ),
    metrics: Object.fromEntries(
      manifest.metrics.map((metric) => [metric.name, shown(metric, manifest, results)]),
    ),
    implausible: layout.lanes
      .filter((lane) => {
        const tail = rounds.length * lane.tail;
        return sum(lane) < -tail || sum(lane) > survivors * lane.bound + tail;
      })
      .map((lane) => lane.label),
  };
}

function checkParticipation(
  manifest: Manifest,
  { noise }: Layout,
  { devices, survivors }: Participation,
): void {
  if (!Number.isSafeInteger(devices) || devices < 1) {
    throw invalid('devices', 'an integer ≥ 1', devices);
  }
  if (!Number.isSafeInteger(survivors) || survivors < 1 || survivors > devices) {
    throw invalid('survivors', `an integer from 1 to devices (${devices})`, survivors);
  }
  if (noise !== undefined && honestDevices(devices, manifest) < 1) {
    throw invalid('devices', 'enough that one is honest and stays', devices);
  }
}

function checkSums(layout: Layout, lanes: readonly number[]): void {
  if (lanes.length !== layout.lanes.length) {
    throw invalid('lanes', `${layout.lanes.length} sums`, lanes);
  }
  for (const { index, label } of layout.lanes) {
    if (!Number.isSafeInteger(lanes[index])) {
      throw invalid(`lanes[${index}] (${label})`, 'an integer', lanes[index]);
    }
  }
}

function estimateMetric(metric: Metric, manifest: Manifest, sums: MetricSums): MetricResult {
  switch (metric.kind) {
    case 'flag':
      return estimateFlag(sums);
    case 'count':
      return estimateCount(metric, sums);
    case 'sum':
    case 'mean':
      return estimateSum(metric, metric.kind, sums);
    case 'variance':
      return estimateVariance(metric, sums);
    case 'category':
      return estimateCategory(metric, sums);
    case 'multi-select':
      return estimateMultiSelect(metric, sums);
    case 'histogram':
      return estimateHistogram(metric, sums);
    case 'distribution':
      return estimateDistribution(metric, sums);
    case 'cross-tabulation':
      return estimateCrossTabulation(metric, manifest, sums);
    case 'top-k':
      return estimateTopK(metric, sums);
  }
}

function estimateGroup(
  { essential }: Group,
  { minRespondents }: Manifest,
  sums: MetricSums,
): GroupResult | Suppressed {
  const all = { sum: BigInt(sums.survivors), variance: 0 };
  if (essential) return { respondents: countEstimate(all, sums) };
  const respondents = sums.one('respondents');
  if (respondents.sum < BigInt(minRespondents)) return suppressed(minRespondents);
  return {
    respondents: countEstimate(respondents, sums),
    optOutRate: optOutRate(respondents, sums),
  };
}

/** The survivors are known exactly, so it is as uncertain as the respondents are. */
function optOutRate(respondents: NoisySum, sums: MetricSums): Estimate {
  const { survivors } = sums;
  const { value, standardError, interval } = countEstimate(respondents, sums);
  const [low, high] = interval;
  return {
    value: (survivors - value) / survivors,
    standardError: standardError / survivors,
    interval: [(survivors - high) / survivors, (survivors - low) / survivors],
  };
}

function shown(
  metric: Metric,
  { minRespondents }: Manifest,
  results: ReadonlyMap<string, MetricResult>,
): MetricResult | SuppressedResult {
  const result = results.get(metric.name);
  // The margins of a cross-tabulation say what its rows and columns say.
  const sources = metric.kind === 'cross-tabulation' ? [metric.rows, metric.columns] : [];
  const reported = [metric.name, ...sources].map((name) => results.get(name)?.reported.value ?? 0);
  return result === undefined || Math.min(...reported) < minRespondents
    ? { kind: metric.kind, ...suppressed(minRespondents) }
    : result;
}

function suppressed(required: number): Suppressed {
  return { suppressed: { reason: 'too-few-respondents', required } };
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
