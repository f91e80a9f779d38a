/** Rounds of the simulator for hostile devices: the shipped coordinator and registrar against them. */
import { Stopped } from './attack.js';
import type { RoundOptions, SimulatedMessage, SimulatedRound } from './surface.js';
import type { Codec } from './arena.js';
import type { Build } from './weakened-build.js';

export const DEVICES = 8;
/** A value of some size, and marks that make any loss or repeat visible. */
const BOUNDS = [1000, 60_000, 1];

/** n = 8, D = 1, A = 1, t = 4; all messages take 1 ms, so they arrive as they are sent. */
export function simulate(build: Build, changes: Partial<RoundOptions>): SimulatedRound {
  return build.simulateRound({ ...fleetOptions(build), ...changes });
}

export function fleetOptions(build: Build): RoundOptions {
  const synthetic = build.syntheticTask(
    {
      cohort: { min: DEVICES, target: DEVICES, max: DEVICES },
      assumptions: { corrupt: 10, dropout: 200, population: 0 },
      minSurvivors: 2,
      bounds: BOUNDS,
    },
    build.nativeSuite,
    build.unsafeSeededRng('task'),
  );
  return {
    seed: 'attack',
    suite: build.nativeSuite,
    synthetic,
    floor: { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 },
    inputs: Array.from({ length: DEVICES }, (_, i) => Uint32Array.of(100 * i, 7777 * i, i % 2)),
    kills: [],
    faults: { ...build.NO_FAULTS, mostDelayMs: 1 },
  };
}

/** What a device sends instead of one of its messages. */
export function instead<T>(
  build: Build,
  isLiar: (device: number) => boolean,
  codec: Codec<T> & { encode(message: T): Uint8Array },
  lie: (message: T) => T,
) {
  return ({ device, direction, bytes }: SimulatedMessage): Uint8Array[] => {
    if (direction === 'down' || !isLiar(device)) return [bytes];
    const raw = build.decodeFrame(bytes);
    return raw[0] === codec.type ? [codec.encode(lie(codec.parse(raw)))] : [bytes];
  };
}

export function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff);
}

/** Whether the published sum is that of its survivors' inputs. @throws {Stopped} if there is none. */
export function isRightSum(build: Build, round: SimulatedRound): boolean {
  const { inputs } = fleetOptions(build);
  const { outcome, seats } = round;
  if (outcome.kind !== 'result') throw new RangeError(`no result: ${JSON.stringify(outcome)}`);
  const survivors = build.decodeBitmap(outcome.result.survivorSet, DEVICES, 'U3');
  return outcome.result.lanes.every((lane, j) => {
    return lane === survivors.reduce((sum, seat) => sum + inputs[seats[seat]!]![j]!, 0);
  });
}

/** What a device that was sent away was told. */
export function whySentAway(round: SimulatedRound, device: number): Stopped {
  const outcome = round.devices[device];
  if (outcome?.kind !== 'failed') throw new RangeError(`device ${device} was not sent away`);
  return new Stopped(outcome.error.code, outcome.error.message);
}
