/**
 * What an exploration starts from: keys, enrolments, one announced window, one offered round, and the
 * machines to step: the shipped ones, unless a control puts a broken one in their place.
 */
import { type Suite, runDerive, toHex, unsafeSeededRng } from '@onlysum/crypto';
import {
  DEFAULT_DURATIONS,
  type DeviceParams,
  type RegistrarParams,
  type RoundParams,
  answerRequest,
  enrol,
  enrolChecks,
  enrolmentStatement,
  makeCodes,
  newIncarnation,
  stepCoordinator,
  stepDevice,
  MemoryLedger,
} from '@onlysum/protocol';
import { type PolicyFloor, windowAt } from '@onlysum/task';
import { SIMULATED_EPOCH_MS, SIMULATED_WINDOW_MS, syntheticTask } from '../synthetic-task.js';
import { memoisedSuite } from './memo-suite.js';
import { answerIn } from './registrar-node.js';

/** The transitions that are explored. */
export interface Machines {
  readonly device: typeof stepDevice;
  readonly coordinator: typeof stepCoordinator;
  readonly registrar: typeof answerRequest;
}

export const SHIPPED_MACHINES: Machines = {
  device: stepDevice,
  coordinator: stepCoordinator,
  registrar: answerRequest,
};

export interface Setup {
  readonly suite: Suite;
  readonly machines: Machines;
  readonly round: RoundParams;
  readonly devices: readonly DeviceParams[];
  /** Device i puts 1 in lane i and 1000 + i in the last lane: what is lost or twice in the sum shows. */
  readonly inputs: readonly Uint32Array[];
  /** Device i adds i − 1 to every lane; none in a task without noise. */
  readonly noise: readonly Int32Array[];
  readonly registrar: RegistrarParams;
  readonly coordinatorSeed: Uint8Array;
  readonly ledger: MemoryLedger['records'];
  /** A little after the window opened; after the life of any roster; after the window. */
  readonly clocks: readonly number[];
}

const START_MS = 100 * SIMULATED_EPOCH_MS + 1000;
/** Uploads one after the other, so that credits are waited for. */
const UPLOAD_CREDITS = 1;
/** A device that stays below what these say would refuse every cohort of three. */
const FLOOR: PolicyFloor = { minHonest: 2, maxDevices: 10, minCorrupt: 10, minPopulation: 1000 };

/** Drawn by hand: what matters is that it is there, of either sign, and adds up. */
const NOISE = {
  scale: { mechanism: 'skellam', variance: { numerator: 1n, denominator: 1n } },
  tail: 100,
} as const;

/** @param devices - n; one may drop if there are four or more of them, none of three. */
export function setUp(
  native: Suite,
  devices: number,
  machines: Machines,
  withNoise: boolean,
): Setup {
  const suite = memoisedSuite(native);
  const marks = Array.from({ length: devices }, () => 1);
  const { task, registrarSeed, coordinatorSeed } = syntheticTask(
    {
      cohort: { min: 3, target: devices, max: devices },
      assumptions: { corrupt: 10, dropout: 250, population: 1000 },
      minSurvivors: 2,
      bounds: [...marks, 2000],
      ...(withNoise ? { noise: NOISE } : {}),
    },
    suite,
    unsafeSeededRng('explore/task'),
  );
  const registrar: RegistrarParams = {
    seed: registrarSeed,
    publicKey: task.registrarKey,
    epochLengthMs: SIMULATED_EPOCH_MS,
    tasks: new Map([[toHex(task.taskId), task]]),
  };
  const ledger = new MemoryLedger();
  const rng = unsafeSeededRng('explore/setup');
  const context = { suite, rng, nowMs: START_MS };
  newIncarnation(ledger, context);
  const params = marks.map((_, i): DeviceParams => {
    const pseudonymSeed = unsafeSeededRng(`explore/device/${i}`)(32);
    const pseudonym = suite.ed25519PublicKey(pseudonymSeed);
    const [code = ''] = makeCodes(ledger, 1, 1000, context);
    const statement = enrolmentStatement(registrar.publicKey, code, pseudonym);
    const request = { code, pseudonym, proof: suite.ed25519Sign(pseudonymSeed, statement) };
    const results = runDerive(suite, enrolChecks(request, registrar));
    const certificate = enrol(ledger, request, results, registrar, context);
    return { task, floor: FLOOR, pseudonymSeed, certificate, incarnation: 0 };
  });
  const window = windowAt(task.manifest, START_MS);
  const unsigned = { kind: 'window', taskId: task.taskId, window: window.index } as const;
  const answer = answerIn(ledger, unsigned, { registrar, coordinatorSeed, machines }, context);
  if (answer.kind !== 'window') throw new RangeError('no announcement');
  return {
    suite,
    machines,
    round: {
      task,
      window,
      announcement: answer.announcement,
      round: rng(16),
      durations: DEFAULT_DURATIONS,
      uploadCredits: UPLOAD_CREDITS,
      unmasking: 'direct',
    },
    devices: params,
    inputs: marks.map((_, i) =>
      Uint32Array.from([...marks.map((_mark, lane) => Number(lane === i)), 1000 + i]),
    ),
    noise: withNoise ? marks.map((_, i) => new Int32Array(marks.length + 1).fill(i - 1)) : [],
    registrar,
    coordinatorSeed,
    ledger: ledger.records,
    clocks: [START_MS, START_MS + SIMULATED_WINDOW_MS / 2, START_MS + SIMULATED_WINDOW_MS],
  };
}
