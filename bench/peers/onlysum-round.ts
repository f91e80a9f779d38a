/**
 * What a round costs with as many lanes as a metric of Prio3 needs: a small fleet is recorded, its devices
 * run again one at a time, and the same fleet is simulated for what its servers do.
 * Knows: fleets. Doesn't know: Prio3. Invariant: a device that runs again sends the recorded bytes.
 */
import type { Suite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { closed, decodeFrame } from '@onlysum/protocol';
import {
  type FleetOptions,
  type RecordedDevice,
  type Recording,
  recordFleet,
  simulateFleet,
} from '@onlysum/simulator';
import { cpuMs, cpuOf } from '../cpu.js';
import { CORRUPT, DROPOUT } from '../recordings.js';
import { replayDevice } from '../replay/device-replay.js';

export interface RecordedRound {
  readonly recording: Recording;
  /** Devices that were in the round until its end. */
  readonly whole: readonly RecordedDevice[];
}

export function recordRound(devices: number, lanes: number): RecordedRound {
  const recording = recordFleet(fleet(devices, lanes));
  const whole = recording.devices.filter(({ down }) => {
    const last = down.at(-1);
    return last !== undefined && decodeFrame(last)[0] === closed.type;
  });
  return { recording, whole };
}

/** @returns CPU milliseconds of a whole round, one number per device; the first one warms up. */
export function deviceCpuMs(round: RecordedRound, suite: Suite, devices: number): number[] {
  return round.whole
    .slice(0, devices + 1)
    .map((device) => cpuOf(() => replayDevice(suite, round.recording, device)))
    .slice(1);
}

/** @returns bytes of messages, one number per device. */
export function deviceBytes({ whole }: RecordedRound, direction: 'up' | 'down'): number[] {
  return whole.map((device) => device[direction].reduce((sum, { length }) => sum + length, 0));
}

/** @returns CPU milliseconds of coordinator and registrar together, without sockets, per device. */
export function serversCpuMs(devices: number, lanes: number): number {
  const { isExact, round } = simulateFleet(fleet(devices, lanes), cpuMs);
  if (!isExact) throw new Error('the simulated round opened another sum');
  return (round.coordinatorMs + round.registrarMs) / devices;
}

function fleet(devices: number, lanes: number): FleetOptions {
  return {
    seed: `bench peers ${lanes}`,
    suite: nativeSuite,
    devices,
    lanes,
    corrupt: CORRUPT,
    dropout: DROPOUT,
    dropAt: 'spread',
    graph: undefined,
    unmasking: 'direct',
  };
}
