/** CPU of a whole round of recorded devices, one at a time, which must send the bytes that they sent. */
import type { Suite } from '@onlysum/crypto';
import { closed, decodeFrame } from '@onlysum/protocol';
import type { RecordedDevice } from '@onlysum/simulator';
import { cpuOf } from './cpu.js';
import { replayDevice } from './replay/device-replay.js';
import { readDevices, readService } from './replay/recorded-files.js';

/** Samples that do not count: the first rounds of a process compile code. */
export const WARM_UPS = 3;

/** @returns plays one device of the recording, the next one at each call. */
export function devicePlayer(folder: string, suite: Suite): () => void {
  const service = readService(folder);
  const devices = readDevices(folder).filter(isWhole);
  let next = 0;
  return () => {
    const device = devices[next++ % devices.length];
    if (device === undefined) throw new RangeError('no device was in the round until its end');
    replayDevice(suite, service, device);
  };
}

/** @returns CPU milliseconds of one call, as a mean over so many. */
export function meanCpuMs(times: number, run: () => void): number {
  const all = (): void => {
    for (let i = 0; i < times; i++) run();
  };
  return cpuOf(all) / times;
}

/** Whether it was in the round until its end. */
export function isWhole({ down }: RecordedDevice): boolean {
  const last = down.at(-1);
  return last !== undefined && decodeFrame(last)[0] === closed.type;
}
