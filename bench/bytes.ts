/** Bytes of messages, up and down, of the devices that are in a round until its end. */
import { type Bench, type Figure, type Setting, figuresOf } from './figure.js';
import { GROWTH_LANES, GROWTH_SIZES } from './growth.js';
import { DROPOUT, type RecordedFleet, recordingOf } from './recordings.js';
import { readDevices, readService } from './replay/recorded-files.js';

const TARGET: RecordedFleet = { devices: 1000, lanes: 1000, dropout: DROPOUT };
const MOST_BYTES = 8500;

const figure = figuresOf('bytes');

export const bytesBench: Bench = async ({ isQuick, progress }) => {
  const figures: Figure[] = [];
  // The fleets of the bench of growth, whose k is the same.
  const [smallest] = GROWTH_SIZES;
  const more = GROWTH_LANES.map((lanes) => ({ ...smallest, lanes }));
  for (const fleet of [TARGET, ...(isQuick ? [] : more)]) {
    progress(`recording a round of ${fleet.devices} devices, ${fleet.lanes} lanes`);
    figures.push(...(await bytesOf(fleet)));
  }
  return figures;
};

async function bytesOf(fleet: RecordedFleet): Promise<Figure[]> {
  const folder = await recordingOf(fleet);
  const { parameters } = readService(folder).plan;
  const setting: Setting = { n: fleet.devices, m: fleet.lanes, k: parameters.k };
  const more = fleet === TARGET ? { target: { max: MOST_BYTES }, setting } : { setting };
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
