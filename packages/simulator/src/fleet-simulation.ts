/** A round of a fleet from a seed: what it cost, and whether the opened sum is the plain one. */
import { RoundError } from '@onlysum/crypto';
import {
  type GraphParameters,
  type RoundResult,
  decodeBitmap,
  decodeFrame,
  maskedInput,
} from '@onlysum/protocol';
import { type FleetOptions, planFleet } from './fleet-plan.js';
import { type Cost, RoundMeter, type StageCost, type StageProgress } from './round-meter.js';
import type { RoundOptions, SimulatedMessage } from './round-options.js';
import { simulateRound } from './round.js';

export interface FleetReport {
  readonly devices: number;
  readonly lanes: number;
  readonly graph: GraphParameters['graph'];
  readonly k: number;
  readonly t: number;
  /** γ and δ of the manifest, per mille. */
  readonly assumptions: { readonly corrupt: number; readonly dropout: number };
  readonly unmasking: FleetOptions['unmasking'];
  /** Of one packed input. */
  readonly vectorBytes: number;
  readonly survivors: number;
  /** Devices that dropped, by the stage they did not answer. */
  readonly dropped: Readonly<Record<DropCount, number>>;
  /** Whether every lane of the opened sum is the plain sum of the survivors' inputs. */
  readonly isExact: boolean;
  /** SHA-256, hex, chained over all messages: the same for the same options. */
  readonly transcript: string;
  readonly stages: readonly StageCost[];
  readonly round: Cost;
}

type DropCount = RoundResult['dropped'][number]['stage'];

/**
 * @param clock - milliseconds, monotonic; what is measured depends on it alone.
 * @param onProgress - told before each piece of work.
 * @throws {UsageError} `flag-invalid` for a fleet that cannot be; {RoundError} `simulation-failed` if the
 *   round aborts.
 */
export function simulateFleet(
  options: FleetOptions,
  clock: () => number,
  onProgress?: (progress: StageProgress) => void,
): FleetReport {
  const { devices, lanes, suite, unmasking, tamperedLane } = options;
  const { round, parameters, assumptions } = planFleet(options);
  const meter = new RoundMeter(devices, suite, clock, onProgress);
  const { outcome, seats } = simulateRound({
    ...round,
    observer: meter,
    ...(tamperedLane === undefined ? {} : { intercept: tamperer(round, tamperedLane) }),
  });
  if (outcome.kind !== 'result') {
    const why = outcome.kind === 'abort' ? `${outcome.code}: ${outcome.detail}` : 'nobody ended it';
    throw new RoundError('simulation-failed', `the round did not open: ${why}`);
  }
  const { result } = outcome;
  const members = decodeBitmap(result.survivorSet, devices, 'U3').map((index) => seats[index]);
  const { graph, k, t } = parameters;
  return {
    devices,
    lanes,
    graph,
    k,
    t,
    assumptions,
    unmasking,
    vectorBytes: round.synthetic.task.layout.vectorBytes,
    survivors: members.length,
    dropped: countDrops(result),
    isExact: isPlainSum(result.lanes, members, round.inputs, lanes),
    transcript: meter.transcript(),
    stages: meter.stages(),
    round: meter.round(),
  };
}

function countDrops({ dropped, silent }: RoundResult): FleetReport['dropped'] {
  const counts = { 'share-keys': 0, 'masked-input': 0, unmasking: 0, recovery: 0 };
  for (const { stage } of [...dropped, ...silent]) counts[stage]++;
  return counts;
}

function isPlainSum(
  opened: readonly number[],
  members: readonly (number | undefined)[],
  inputs: readonly Uint32Array[],
  lanes: number,
): boolean {
  const plain = new Float64Array(lanes);
  for (const device of members) {
    const input = device === undefined ? undefined : inputs[device];
    for (let j = 0; j < lanes; j++) plain[j] = (plain[j] ?? 0) + (input?.[j] ?? Number.NaN);
  }
  return opened.length === lanes && plain.every((sum, j) => sum === opened[j]);
}

/** Flips the lowest bit of a lane in the first masked input: nothing in the protocol binds a vector. */
function tamperer({ synthetic }: RoundOptions, lane: number) {
  const { widths } = synthetic.task.layout;
  const bit = widths.slice(0, lane).reduce((sum, width) => sum + width, 0);
  let isDone = false;
  return ({ direction, bytes }: SimulatedMessage): Uint8Array[] => {
    if (isDone || direction === 'down') return [bytes];
    const raw = decodeFrame(bytes);
    if (raw[0] !== maskedInput.type) return [bytes];
    isDone = true;
    const message = maskedInput.parse(raw);
    const vector = message.vector.slice();
    vector[bit >> 3] = (vector[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return [maskedInput.encode({ ...message, vector })];
  };
}
