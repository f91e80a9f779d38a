/**
 * What a manifest amounts to: lanes, graph parameters, the population it tolerates, and what to think
 * twice about. Knows: the arithmetic of task and protocol. Doesn't know: files, how it is shown.
 */
import { OnlysumError } from '@onlysum/crypto';
import {
  type GraphParameters,
  poolCount,
  rosterParameters,
  toleratedPopulation,
} from '@onlysum/protocol';
import {
  checkManifestFloor,
  compileLayout,
  corruptBound,
  DEFAULT_FLOOR,
  dropoutBound,
  type Lane,
  type Manifest,
} from '@onlysum/task';
import { type NoiseReport, noiseWarnings, reportNoise } from './noise-report.js';
import { day } from './time-words.js';

/** Legend: k neighbours, t threshold, A = ⌈γn⌉ corrupt, D = ⌊δn⌋ dropped. */
export interface CohortRow {
  readonly at: 'min' | 'target' | 'max';
  readonly n: number;
  /** Graph, k and t are undefined if no round of this size is safe: see `problems`. */
  readonly graph: GraphParameters['graph'] | undefined;
  readonly k: number | undefined;
  readonly t: number | undefined;
  readonly corrupt: number;
  readonly dropout: number;
  /** n − D − A: honest devices that a sum holds even in the worst case. */
  readonly smallestHonest: number;
}

export interface ManifestReport {
  readonly name: string;
  readonly version: number;
  /** Their `noise` is undefined: see that of the report. */
  readonly lanes: readonly Lane[];
  readonly vectorBytes: number;
  /** Undefined without noise. */
  readonly noise: NoiseReport | undefined;
  readonly cohort: readonly CohortRow[];
  /** How many of the cohort sizes were tried: min, target, max and some between, evenly. */
  readonly sizesTried: number;
  /** γ_p, parts per million of `enrolled`: promised by the manifest, and what pools can tolerate. */
  readonly population: {
    readonly enrolled: number;
    readonly pools: number;
    readonly promised: number;
    readonly toleratedAtMin: number;
    readonly toleratedAtTarget: number;
  };
  /** What makes rounds impossible. */
  readonly problems: readonly string[];
  /** What a publisher should know. */
  readonly warnings: readonly string[];
}

/** Below this a total says much about each device in it. */
const FEW_DEVICES = 10;
/** Sizes to try: the search for one of 10,000 devices takes tens of milliseconds. */
const MOST_SIZES = 20;
const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

/**
 * @param enrolled - N, devices enrolled for an epoch.
 * @param nowMs - Unix time, for the validity.
 * @throws {UsageError} as `compileLayout`.
 */
export function reportManifest(
  manifest: Manifest,
  enrolled: number,
  nowMs: number,
): ManifestReport {
  const { cohort, assumptions, name, version } = manifest;
  const layout = compileLayout(manifest);
  const { lanes, vectorBytes } = layout;
  const noise = reportNoise(manifest, layout);
  const sizes = sizesToTry(cohort);
  const tolerated = (n: number) =>
    toleratedPopulation(n, assumptions.corrupt, enrolled, cohort.max);
  const population = {
    enrolled,
    pools: poolCount(enrolled, cohort.max),
    promised: assumptions.population,
    toleratedAtMin: tolerated(cohort.min),
    toleratedAtTarget: tolerated(cohort.target),
  };
  return {
    name,
    version,
    // Exact scales are no JSON; what they amount to is in `noise`.
    lanes: lanes.map((lane) => ({ ...lane, noise: undefined })),
    vectorBytes,
    noise,
    cohort: (['min', 'target', 'max'] as const).map((at) => cohortRow(manifest, at)),
    sizesTried: sizes.length,
    population,
    problems: infeasibleSizes(manifest, sizes),
    warnings: [
      ...sizeWarnings(manifest),
      ...populationWarnings(population),
      ...floorWarnings(manifest),
      ...limbWarnings(lanes),
      ...validityWarnings(manifest, nowMs),
      ...(noise === undefined
        ? ['privacy.mechanism is "none": totals are exact, and a device adds no noise']
        : noiseWarnings(noise, manifest)),
    ],
  };
}

function cohortRow({ cohort, assumptions }: Manifest, at: CohortRow['at']): CohortRow {
  const n = cohort[at];
  const corrupt = corruptBound(n, assumptions.corrupt);
  const dropout = dropoutBound(n, assumptions.dropout);
  const smallestHonest = n - dropout - corrupt;
  const graph = feasible(n, assumptions);
  const found = typeof graph === 'string' ? undefined : graph;
  return { at, n, graph: found?.graph, k: found?.k, t: found?.t, corrupt, dropout, smallestHonest };
}

function feasible(n: number, assumptions: Manifest['assumptions']): GraphParameters | string {
  try {
    return rosterParameters(n, assumptions);
  } catch (error) {
    if (error instanceof OnlysumError) return error.message;
    throw error;
  }
}

/** Ascending, with min, target and max; all of them where there are few. */
function sizesToTry({ min, target, max }: Manifest['cohort']): readonly number[] {
  const gaps = Math.min(MOST_SIZES - 2, max - min);
  const even = Array.from({ length: gaps + 1 }, (_, i) =>
    Math.round(min + (i * (max - min)) / Math.max(1, gaps)),
  );
  return [...new Set([...even, target])].sort((a, b) => a - b);
}

// Whether a size is safe is not monotone in it, as A and D are rounded: what lies between may differ.
function infeasibleSizes(
  { cohort, assumptions }: Manifest,
  sizes: readonly number[],
): readonly string[] {
  const bad = sizes
    .map((n) => feasible(n, assumptions))
    .filter((graph) => typeof graph === 'string');
  const [first] = bad;
  if (first === undefined) return [];
  const all = cohort.max - cohort.min + 1;
  return [
    `${bad.length} of ${sizes.length} cohort sizes tried (of ${all}) cannot run a round; the first: ${first}`,
  ];
}

function sizeWarnings({ cohort, assumptions, coordinator, minSurvivors }: Manifest): string[] {
  const out: string[] = [];
  if (cohort.min < FEW_DEVICES) {
    out.push(
      `cohort.min is ${cohort.min}: a total over so few devices says much about each; use ${FEW_DEVICES} or more`,
    );
  }
  out.push(...dropoutWarnings({ cohort, assumptions, minSurvivors }));
  if (coordinator.url.startsWith('ws://')) {
    out.push('coordinator.url is of this machine only: no other device can take part');
  }
  return out;
}

/** A round survives what δ of it may drop, but no more than minSurvivors leaves. */
function dropoutWarnings({
  cohort,
  assumptions,
  minSurvivors,
}: Pick<Manifest, 'cohort' | 'assumptions' | 'minSurvivors'>): string[] {
  const why = (n: number) => {
    if (dropoutBound(n, assumptions.dropout) === 0) return 'raise assumptions.dropout';
    return n - 1 < minSurvivors ? `minSurvivors is ${minSurvivors}: lower it` : undefined;
  };
  const sizes = cohort.min === cohort.target ? (['target'] as const) : (['min', 'target'] as const);
  return sizes.flatMap((at) => {
    const reason = why(cohort[at]);
    if (reason === undefined) return [];
    return [
      `a round of cohort.${at} (${cohort[at]}) devices ends without a result as soon as one drops: ` +
        `${reason}, or raise cohort.${at}`,
    ];
  });
}

function populationWarnings(population: ManifestReport['population']): string[] {
  const { enrolled, promised, toleratedAtMin, toleratedAtTarget } = population;
  return [
    { field: 'cohort.min', tolerated: toleratedAtMin },
    { field: 'cohort.target', tolerated: toleratedAtTarget },
  ]
    .filter(({ tolerated }) => tolerated < promised)
    .map(
      ({ field, tolerated }) =>
        `with ${enrolled} enrolled, rosters of ${field} are refused: assumptions.population promises ` +
        `${promised} per million, they tolerate ${tolerated}; raise assumptions.corrupt or ${field}`,
    );
}

function floorWarnings(manifest: Manifest): string[] {
  try {
    checkManifestFloor(manifest, DEFAULT_FLOOR);
    return [];
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    return [`devices with the default policy floor refuse this: ${error.message}`];
  }
}

function limbWarnings(lanes: readonly Lane[]): string[] {
  const split = new Set(lanes.filter((lane) => lane.limb !== undefined).map((lane) => lane.metric));
  return [...split].map(
    (metric) =>
      `${metric} is split into 16-bit limbs: the sum of each limb becomes known; a smaller range or a ` +
      'coarser resolution avoids it',
  );
}

function validityWarnings({ validity }: Manifest, nowMs: number): string[] {
  const { notBeforeMs, notAfterMs } = validity;
  if (nowMs >= notAfterMs) return [`validity ended on ${day(notAfterMs)}`];
  if (nowMs < notBeforeMs) return [`validity begins on ${day(notBeforeMs)} only`];
  const days = Math.floor((notAfterMs - nowMs) / DAY_MS);
  return days < SOON_DAYS ? [`validity ends in ${days} days, on ${day(notAfterMs)}`] : [];
}
