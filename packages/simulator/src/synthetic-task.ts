/**
 * A task made for simulation: real keys from a seed, and lanes of any bound, so that the secure sum
 * can be studied apart from metrics. Its manifest is signed by nobody and names one placeholder flag.
 */
import { type Suite, type Rng, toHex } from '@onlysum/crypto';
import {
  type Lane,
  type Manifest,
  NO_COST,
  type NoiseBlock,
  type Task,
  canonicalBytes,
  laneWidth,
} from '@onlysum/task';

export interface SyntheticTaskOptions {
  readonly cohort: Manifest['cohort'];
  readonly assumptions: Manifest['assumptions'];
  readonly minSurvivors: number;
  readonly attempts?: number;
  /** Bound of each lane: the most one device puts in. */
  readonly bounds: readonly number[];
  /** Of every lane; its promise is studied elsewhere. */
  readonly noise?: Pick<NoiseBlock, 'scale' | 'tail'>;
}

export interface SyntheticTask {
  readonly task: Task;
  readonly registrarSeed: Uint8Array;
  readonly coordinatorSeed: Uint8Array;
}

/** One hour; a day of them is an epoch. */
export const SIMULATED_WINDOW_MS = 3_600_000;
export const SIMULATED_EPOCH_MS = 24 * SIMULATED_WINDOW_MS;

export function syntheticTask(
  options: SyntheticTaskOptions,
  suite: Suite,
  rng: Rng,
): SyntheticTask {
  const [publisherSeed, registrarSeed, coordinatorSeed] = [rng(32), rng(32), rng(32)];
  const publisher = suite.ed25519PublicKey(publisherSeed);
  const registrarKey = suite.ed25519PublicKey(registrarSeed);
  const coordinatorKey = suite.ed25519PublicKey(coordinatorSeed);
  const manifest: Manifest = {
    onlysum: 1,
    suite: 1,
    name: 'simulation',
    version: 1,
    publisher: toHex(publisher),
    registrar: toHex(registrarKey),
    coordinator: { key: toHex(coordinatorKey), url: 'ws://127.0.0.1:1' },
    window: { lengthMs: SIMULATED_WINDOW_MS },
    epoch: { lengthMs: SIMULATED_EPOCH_MS },
    cohort: options.cohort,
    minSurvivors: options.minSurvivors,
    attempts: options.attempts ?? 1,
    assumptions: options.assumptions,
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: 0, notAfterMs: Number.MAX_SAFE_INTEGER },
    groups: [{ name: 'simulation', purpose: 'simulation', essential: true }],
    metrics: [
      {
        name: 'lanes',
        kind: 'flag',
        group: 'simulation',
        purpose: 'simulation',
        owner: 'simulation',
        retentionDays: 1,
        access: ['analyst'],
      },
    ],
  };
  const bytes = canonicalBytes(manifest);
  const lanes = options.bounds.map((bound, index) => syntheticLane(index, bound, options));
  const widths = lanes.map((lane) => lane.width);
  const vectorBytes = Math.ceil(widths.reduce((sum, width) => sum + width, 0) / 8);
  return {
    task: {
      manifest,
      taskId: suite.sha256(bytes),
      bytes,
      signature: new Uint8Array(64),
      layout: {
        lanes,
        widths,
        vectorBytes,
        noise: options.noise === undefined ? undefined : { cost: NO_COST, blocks: new Map() },
      },
      publisher,
      registrarKey,
      coordinatorKey,
    },
    registrarSeed,
    coordinatorSeed,
  };
}

function syntheticLane(
  index: number,
  bound: number,
  { cohort, noise }: SyntheticTaskOptions,
): Lane {
  const tail = noise?.tail ?? 0;
  return {
    index,
    metric: 'lanes',
    group: 'simulation',
    role: 'value',
    label: `lane[${index}]`,
    bound,
    noise: noise?.scale,
    tail,
    width: laneWidth(cohort.max, bound, tail),
  };
}
