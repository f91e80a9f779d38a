/**
 * What a simulated fleet is to be: its task, its graph, who drops where, everybody's input.
 * Knows: sizes and assumptions. Invariant: everything comes from the seed, and all that devices check
 * they check: the graph is chosen through the manifest alone.
 */
import { RoundError, type Suite, UsageError, invalidField, unsafeSeededRng } from '@onlysum/crypto';
import {
  COMPLETE_MAX,
  type GraphParameters,
  type RoundParams,
  rosterParameters,
} from '@onlysum/protocol';
import { DEFAULT_FLOOR, type PolicyFloor, corruptBound, dropoutBound } from '@onlysum/task';
import { randomSubset, uniformBelow } from './graph-study.js';
import { NO_FAULTS } from './network.js';
import type { DeviceMessage, Kill, RoundOptions } from './round-options.js';
import { syntheticTask } from './synthetic-task.js';

/** Where devices drop; those of `spread` take turns. */
export const DROP_STAGES = ['share-keys', 'masked-input', 'unmasking'] as const;
export type DropStage = (typeof DROP_STAGES)[number];

export interface FleetOptions {
  readonly seed: string;
  readonly suite: Suite;
  /** n. */
  readonly devices: number;
  /** m; each takes inputs of 16 bits. */
  readonly lanes: number;
  /** γ, per mille. */
  readonly corrupt: number;
  /** δ, per mille: ⌊δn⌋ devices drop. */
  readonly dropout: number;
  readonly dropAt: DropStage | 'spread';
  /** undefined: what the rule of protocol §4.1 gives. */
  readonly graph: GraphParameters['graph'] | undefined;
  readonly unmasking: RoundParams['unmasking'];
  /** A lane that somebody on the path changes in the first masked input: the sum is then another. */
  readonly tamperedLane?: number;
}

export interface FleetPlan {
  readonly round: RoundOptions;
  readonly parameters: GraphParameters;
  /** γ and δ of the manifest. δ is more than was asked for where the complete graph is forced. */
  readonly assumptions: { readonly corrupt: number; readonly dropout: number };
}

/** The most that one device puts into a lane. */
const INPUT_BOUND = 65_535;

/** @throws {UsageError} `flag-invalid` for a fleet that cannot have this graph, or any. */
export function planFleet(options: FleetOptions): FleetPlan {
  const { seed, suite, devices, lanes, unmasking } = options;
  const assumptions = assumptionsOf(options);
  const parameters = parametersOf(devices, assumptions);
  // Parts per million: everybody who is enrolled is in the roster, so the two assumptions are one.
  const population = 1000 * assumptions.corrupt;
  const synthetic = syntheticTask(
    {
      cohort: { min: devices, target: devices, max: devices },
      assumptions: { ...assumptions, population },
      minSurvivors: 2,
      bounds: new Array<number>(lanes).fill(INPUT_BOUND),
    },
    suite,
    unsafeSeededRng(`${seed}/task`),
  );
  // What the owners of these devices demand: as by default, but for what is to be simulated.
  const floor: PolicyFloor = {
    ...DEFAULT_FLOOR,
    minCorrupt: Math.min(DEFAULT_FLOOR.minCorrupt, assumptions.corrupt),
    minPopulation: Math.min(DEFAULT_FLOOR.minPopulation, population),
  };
  return {
    round: {
      seed,
      suite,
      synthetic,
      floor,
      inputs: drawInputs(options),
      kills: drawKills(options),
      faults: NO_FAULTS,
      unmasking,
    },
    parameters,
    assumptions,
  };
}

/**
 * γ and δ of the manifest. Where the complete graph is asked for and tables would do, δ is the largest
 * that the complete graph's threshold bears: no tables bear as much (fleet-plan.test.ts), k and t of the
 * complete graph stay as they are, and every party finds the graph by itself from the manifest, as always.
 */
function assumptionsOf({ devices, corrupt, dropout, graph }: FleetOptions) {
  const asked = { corrupt, dropout };
  const { graph: natural } = parametersOf(devices, asked);
  if (graph === undefined || graph === natural) return asked;
  if (graph === 'tables') {
    const expected =
      `complete, or other numbers: no k from 4 to n/4 = ${Math.floor(devices / 4)} gives safe round ` +
      `tables (docs/protocol.md §4.1) for --devices ${devices}, --corrupt ${corrupt} and --dropout ` +
      `${dropout}; more devices, or less of the others, may`;
    throw invalidField(UsageError, 'flag-invalid', '--graph', expected, graph);
  }
  if (devices > COMPLETE_MAX) {
    const expected = `tables for ${devices} devices: every party refuses a complete graph of more than ${COMPLETE_MAX}`;
    throw invalidField(UsageError, 'flag-invalid', '--graph', expected, graph);
  }
  return { corrupt, dropout: mostDropoutOfComplete(devices, corrupt) };
}

/** The largest δ, per mille, with t ≤ k − D on the complete graph, whose t does not depend on δ. */
function mostDropoutOfComplete(n: number, corrupt: number): number {
  const k = n - 1;
  const t = Math.max(corruptBound(n, corrupt), Math.floor(k / 2)) + 1;
  return Math.ceil(((k - t + 1) * 1000) / n) - 1;
}

function parametersOf(
  n: number,
  assumptions: { readonly corrupt: number; readonly dropout: number },
): GraphParameters {
  try {
    return rosterParameters(n, assumptions);
  } catch (error) {
    if (!(error instanceof RoundError)) throw error;
    const { corrupt, dropout } = assumptions;
    const expected = `a fleet that has a safe graph (${error.message})`;
    const got = `${n} with --corrupt ${corrupt} and --dropout ${dropout}`;
    throw new UsageError('flag-invalid', `--devices: expected ${expected}, got ${got}`, {
      field: '--devices',
      expected,
      got,
    });
  }
}

function drawInputs({ seed, devices, lanes }: FleetOptions): Uint32Array[] {
  const rng = unsafeSeededRng(`${seed}/inputs`);
  return Array.from({ length: devices }, () => {
    const bytes = rng(2 * lanes);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Uint32Array.from({ length: lanes }, (_, j) => view.getUint16(2 * j));
  });
}

/** The last thing that a device does not send any more. Asking for a credit is part of the masked input. */
const UNSENT: Readonly<Record<DropStage, DeviceMessage>> = {
  'share-keys': 'ShareKeys',
  'masked-input': 'UploadRequest',
  unmasking: 'Unmasking',
};

function drawKills({ seed, devices, dropout, dropAt }: FleetOptions): Kill[] {
  const below = uniformBelow(`${seed}/drops`);
  const stages = dropAt === 'spread' ? DROP_STAGES : [dropAt];
  return randomSubset(devices, dropoutBound(devices, dropout), below).map((device, i) => {
    const stage = stages[i % stages.length] ?? 'share-keys';
    return { device, when: 'before', message: UNSENT[stage], noticed: true };
  });
}
