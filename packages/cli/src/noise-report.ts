/**
 * What a manifest's noise amounts to: how large it is, what it does to results, what a window costs.
 * Knows: plan and budget. Doesn't know: how they are calibrated, how it is shown.
 */
import {
  budgetOf,
  noiseShares,
  type Layout,
  type Manifest,
  type NoisePlan,
  type NoisePromise,
  noiseVariance,
  spentEpsilon,
  windowsWithin,
} from '@onlysum/task';
import { type Headline, headlineOf, type SummedCohorts } from './expected-error.js';

export interface NoiseReport {
  readonly mechanism: string;
  readonly neighbours: NoisePromise['neighbours'];
  /** Of a window: what the manifest promises, and what its noise costs by the accountant. */
  readonly window: {
    readonly epsilon: string;
    readonly delta: string;
    readonly costEpsilon: number;
  };
  readonly budget: NoisePromise['budget'] & {
    /** In `days`, and how many of them the budget pays for. */
    readonly windowsInDays: number;
    readonly windowsPaid: number;
  };
  readonly blocks: readonly BlockReport[];
  readonly metrics: readonly MetricErrors[];
}

/** Lanes that get noise of one scale. */
export interface BlockReport {
  readonly name: string;
  readonly lanes: number;
  /** Δ₁ and Δ₂. */
  readonly l1: number;
  readonly l2: number;
  /** Standard deviation in each lane: of what the fewest honest devices add, of all of a target cohort. */
  readonly deviation: { readonly honest: number; readonly target: number };
}

export interface MetricErrors {
  readonly metric: string;
  readonly atTarget: Headline | undefined;
  /** At 100, 1,000 and 10,000 devices. */
  readonly errors: readonly ErrorAt[];
}

export interface ErrorAt {
  readonly devices: number;
  /** How these are summed; 0 if they are too few for a cohort. */
  readonly cohorts: number;
  readonly cohortSize: number;
  readonly headline: Headline | undefined;
}

const FLEETS = [100, 1000, 10_000] as const;
const DAY_MS = 86_400_000;

/** @returns undefined without noise. */
export function reportNoise(manifest: Manifest, layout: Layout): NoiseReport | undefined {
  const { privacy, cohort, window } = manifest;
  const { noise } = layout;
  if (privacy.mechanism === 'none' || noise === undefined) return undefined;
  const { mechanism, epsilon, neighbours, budget } = privacy;
  const delta = privacy.mechanism === 'skellam' ? privacy.delta : '0';
  return {
    mechanism,
    neighbours,
    window: { epsilon, delta, costEpsilon: spentEpsilon(noise.cost, 1, Number(delta)) },
    budget: {
      ...budget,
      windowsInDays: Math.ceil((budget.days * DAY_MS) / window.lengthMs),
      windowsPaid: windowsWithin(noise.cost, budgetOf(privacy)),
    },
    blocks: blocksOf(manifest, layout, noise),
    metrics: manifest.metrics.map((metric) => ({
      metric: metric.name,
      atTarget: errorAt(manifest, layout, metric, cohort.target).headline,
      errors: FLEETS.map((devices) => errorAt(manifest, layout, metric, devices)),
    })),
  };
}

/** What noise drowns, and a budget that is used up before its days are over. */
export function noiseWarnings(
  { metrics, blocks, budget }: NoiseReport,
  { cohort, groups }: Manifest,
): string[] {
  const at = `in a cohort of cohort.target (${cohort.target})`;
  const remedy = 'raise privacy.epsilon or cohort.target, or ask for fewer metrics';
  const useless = metrics.flatMap(({ metric, atTarget }) =>
    atTarget !== undefined && atTarget.error > atTarget.range / 2
      ? [
          `${metric} is useless ${at}: the standard error of its ${atTarget.what} is ` +
            `${shortNumber(atTarget.error)} ${atTarget.unit}, more than half of its range; ${remedy}`,
        ]
      : [],
  );
  const drowned = groups.flatMap(({ name }) => {
    const block = blocks.find((each) => each.name === `${name}.respondents`);
    return block !== undefined && block.deviation.target > cohort.target / 2
      ? [`how many give ${name} is useless ${at}: its noise is more than half of them; ${remedy}`]
      : [];
  });
  const { days, windowsPaid, windowsInDays } = budget;
  const short =
    windowsPaid < windowsInDays
      ? [
          `privacy.budget pays for ${windowsPaid} of the ${windowsInDays} windows in ${days} days: a device ` +
            'takes part in no more',
        ]
      : [];
  return [...useless, ...drowned, ...short];
}

/** Three digits say enough of an error. */
export function shortNumber(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function blocksOf(manifest: Manifest, layout: Layout, { blocks }: NoisePlan): BlockReport[] {
  const surplus = cohortSurplus(manifest, manifest.cohort.target);
  return [...blocks].map(([name, { sensitivity, scale }]) => {
    const honest = Math.sqrt(noiseVariance(scale));
    return {
      name,
      lanes: layout.lanes.filter((lane) => lane.noise === scale).length,
      l1: sensitivity.l1,
      l2: Math.sqrt(sensitivity.l2Squared),
      deviation: { honest, target: honest * Math.sqrt(surplus) },
    };
  });
}

/**
 * A fleet of a size that a cohort can have is one cohort; a larger one is as many cohorts of the target as it
 * fills, whose sums are added up, and with them their noise.
 */
function errorAt(
  manifest: Manifest,
  layout: Layout,
  metric: Manifest['metrics'][number],
  devices: number,
): ErrorAt {
  const { min, target, max } = manifest.cohort;
  const isOne = devices <= max;
  const cohortSize = isOne ? devices : target;
  const cohorts = devices < min ? 0 : isOne ? 1 : Math.floor(devices / target);
  const surplus = cohorts * cohortSurplus(manifest, cohortSize);
  const summed: SummedCohorts = { devices: cohorts * cohortSize, surplus };
  const headline =
    cohorts > 0 && Number.isFinite(surplus) ? headlineOf(metric, layout, summed) : undefined;
  return { devices, cohorts, cohortSize, headline };
}

/** All n add a share of what the fewest honest ones of the smallest cohort must. */
function cohortSurplus(manifest: Manifest, n: number): number {
  return n / noiseShares(manifest);
}
