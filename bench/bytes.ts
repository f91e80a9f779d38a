/** Bytes of messages, up and down, of the devices that are in a round until its end. */
import { type Bench, type Figure, type Setting, figuresOf } from './figure.js';
import { DROPOUT, type RecordedFleet, recordingOf } from './recordings.js';
import { readDevices, readService } from './replay/recorded-files.js';

const DEVICES = 1000;
const TARGET_LANES = 1000;
const MOST_BYTES = 8500;

const figure = figuresOf('bytes');

export const bytesBench: Bench = async ({ isQuick, progress }) => {
  const figures: Figure[] = [];
  for (const lanes of isQuick ? [TARGET_LANES] : [256, TARGET_LANES, 4000, 16_000]) {
    progress(`recording a round of ${DEVICES} devices, ${lanes} lanes`);
    figures.push(...(await bytesOf({ devices: DEVICES, lanes, dropout: DROPOUT })));
  }
  return figures;
};

async function bytesOf(fleet: RecordedFleet): Promise<Figure[]> {
  const folder = await recordingOf(fleet);
  const { parameters } = readService(folder).plan;
  const setting: Setting = { n: fleet.devices, m: fleet.lanes, k: parameters.k };
  const isTarget = fleet.lanes === TARGET_LANES;
  const more = isTarget ? { target: { max: MOST_BYTES }, setting } : { setting };
  const most = (lists: number[][]): number => Math.max(...lists.map((list) => list.length));
  const devices = readDevices(folder);
  const last = most(devices.map(({ up }) => up.map(({ length }) => length)));
  // Those that left early sent less.
  const whole = devices.filter(({ up }) => up.length === last);
  const bytes = (messages: readonly Uint8Array[]): number =>
    messages.reduce((sum, { length }) => sum + length, 0);
  return [
    figure(
      'upload per device',
      whole.map(({ up }) => bytes(up)),
      'B',
      more,
    ),
    figure(
      'download per device',
      whole.map(({ down }) => bytes(down)),
      'B',
      more,
    ),
  ];
}
