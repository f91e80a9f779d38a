/** Small fleets whose inputs make any fault visible: device i puts 1 in lane i. */
import { unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { decodeBitmap } from '@onlysum/protocol';
import {
  NO_FAULTS,
  type RoundOptions,
  type SimulatedRound,
  type SyntheticTaskOptions,
  syntheticTask,
} from '@onlysum/simulator';

export const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 10, minPopulation: 1000 };

export interface FleetShape {
  readonly devices: number;
  /** Bounds of the lanes after the marks. */
  readonly bounds?: readonly number[];
  readonly dropout?: number;
  readonly corrupt?: number;
  readonly seed?: string;
  readonly noise?: SyntheticTaskOptions['noise'];
}

/** Options of a round in which nothing goes wrong. */
export function fleet({
  devices,
  bounds = [],
  dropout = 200,
  corrupt = 10,
  seed = 'fleet',
  noise,
}: FleetShape): RoundOptions {
  const rng = unsafeSeededRng(`inputs/${seed}`);
  const marks = Array.from({ length: devices }, () => 1);
  const synthetic = syntheticTask(
    {
      cohort: { min: 3, target: devices, max: devices },
      assumptions: { corrupt, dropout, population: 1000 },
      minSurvivors: 2,
      bounds: [...marks, ...bounds],
      ...(noise === undefined ? {} : { noise }),
    },
    nativeSuite,
    unsafeSeededRng(`task/${seed}`),
  );
  const inputs = marks.map((_, i) => {
    const values = bounds.map((bound) => {
      const random = new DataView(rng(4).buffer).getUint32(0);
      return Math.floor((random / 2 ** 32) * (bound + 1));
    });
    return Uint32Array.from([...marks.map((_mark, lane) => Number(lane === i)), ...values]);
  });
  return {
    seed,
    suite: nativeSuite,
    synthetic,
    floor: FLOOR,
    inputs,
    kills: [],
    faults: NO_FAULTS,
  };
}

/** The plain sum over U3, lane by lane, in exact arithmetic. */
export function plainSum(options: RoundOptions, round: SimulatedRound): number[] {
  const survivors = survivorDevices(round);
  return options.synthetic.task.layout.lanes.map((_, lane) =>
    survivors.reduce((sum, device) => sum + (options.inputs[device]?.[lane] ?? Number.NaN), 0),
  );
}

/** The devices whose input is in the opened sum. */
export function survivorDevices(round: SimulatedRound): number[] {
  if (round.outcome.kind !== 'result')
    throw new Error(`no result: ${JSON.stringify(round.outcome)}`);
  const { survivorSet, devices } = round.outcome.result;
  return decodeBitmap(survivorSet, devices, 'U3').map((index) => round.seats[index] ?? Number.NaN);
}
