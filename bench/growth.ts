/**
 * How costs grow: a device's with n and with m, the coordinator's per device with n. γ is fixed; δ is
 * chosen for each n so that k and nearly t stay the same, since both depend on it.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import { WARM_UPS, devicePlayer, meanCpuMs } from './device-cost.js';
import { type Bench, figuresOf, median, slope } from './figure.js';
import { type RecordedFleet, recordTogether, recordingOf } from './recordings.js';
import { readService } from './replay/recorded-files.js';
import { replayRounds } from './replay/replay.js';

/** δ, per mille, at which the parameter rule gives k = 44. */
export const GROWTH_SIZES = [
  { devices: 250, dropout: 160 },
  { devices: 500, dropout: 140 },
  { devices: 1000, dropout: 100 },
  { devices: 2000, dropout: 90 },
] as const;
const QUICK_SIZES = 3;
const LANES = 256;
export const GROWTH_LANES = [LANES, 1000, 4000, 16_000];
const QUICK_LANES = 3;
const DEVICES_PER_SAMPLE = 10;
/** Of devices, over all rounds of a server process: as many for each n, since they compile its code. */
const COORDINATOR = { warmUp: 4000, measured: 4000 };
const QUICK_COORDINATOR = { warmUp: 2000, measured: 1000 };

const figure = figuresOf('growth');

type Point = readonly [x: number, y: number];

export const growthBench: Bench = async ({ isQuick, progress }) => {
  const sizes = isQuick ? GROWTH_SIZES.slice(0, QUICK_SIZES) : GROWTH_SIZES;
  const lanes = isQuick ? GROWTH_LANES.slice(0, QUICK_LANES) : GROWTH_LANES;
  const [smallest] = GROWTH_SIZES;
  const byN = sizes.map((size): RecordedFleet => ({ ...size, lanes: LANES }));
  const byM = lanes.map((m): RecordedFleet => ({ ...smallest, lanes: m }));
  progress(
    `recording n = ${sizes.map(({ devices }) => devices).join(', ')}, m = ${lanes.join(', ')}`,
  );
  await recordTogether([...byN, ...byM]);
  progress('devices, in turn');
  const samples = isQuick ? 7 : 15;
  const [ofN, ofM] = [await deviceCurve(byN, samples), await deviceCurve(byM, samples)];
  const figures = [
    ...ofN.map(({ cpu, ...at }) =>
      figure('device CPU', cpu, 'ms', { setting: { ...at, over: 'n' } }),
    ),
    figure('device CPU, exponent of n', slope(ofN.map(({ n, cpu }) => [n, median(cpu)])), ''),
    ...ofM.map(({ cpu, ...at }) =>
      figure('device CPU', cpu, 'ms', { setting: { ...at, over: 'm' } }),
    ),
  ];
  const { perX, atZero, r2 } = line(ofM.map(({ m, cpu }) => [m, median(cpu)]));
  figures.push(
    figure('device CPU, for each 1,000 lanes more', 1000 * perX, 'ms'),
    figure('device CPU, without any lane', atZero, 'ms'),
    figure('device CPU, linear in m: r²', r2, ''),
  );
  const coordinatorByN: Point[] = [];
  for (const fleet of byN) {
    const { devices } = fleet;
    progress(`coordinator, n = ${devices}`);
    const folder = await recordingOf(fleet);
    const { warmUp, measured } = isQuick ? QUICK_COORDINATOR : COORDINATOR;
    const [first, rounds] = [warmUp, warmUp + measured].map((all) => Math.ceil(all / devices));
    const played = await replayRounds(folder, ['coordinator'], rounds ?? 0);
    const cpu = played.coordinator.slice(first).map(({ cpuMs }) => cpuMs / devices);
    coordinatorByN.push([devices, median(cpu)]);
    const { k } = readService(folder).plan.parameters;
    const setting = { n: devices, m: LANES, k, over: 'n' };
    figures.push(figure('coordinator CPU per device', cpu, 'ms', { setting }));
  }
  figures.push(figure('coordinator CPU per device, exponent of n', slope(coordinatorByN), ''));
  return figures;
};

interface DevicePoint {
  readonly n: number;
  readonly m: number;
  readonly k: number;
  readonly cpu: number[];
}

/** Devices of all fleets in turn, so that what the machine does meanwhile falls on all of them. */
async function deviceCurve(
  fleets: readonly RecordedFleet[],
  samples: number,
): Promise<DevicePoint[]> {
  const curve = [];
  for (const fleet of fleets) {
    const folder = await recordingOf(fleet);
    const { k } = readService(folder).plan.parameters;
    const cpu: number[] = [];
    const play = devicePlayer(folder, nativeSuite);
    curve.push({ play, n: fleet.devices, m: fleet.lanes, k, cpu });
  }
  for (let sample = -WARM_UPS; sample < samples; sample++) {
    for (const { play, cpu } of curve) {
      const ms = meanCpuMs(DEVICES_PER_SAMPLE, play);
      if (sample >= 0) cpu.push(ms);
    }
  }
  return curve.map(({ n, m, k, cpu }) => ({ n, m, k, cpu }));
}

/** Least squares. */
function line(points: readonly Point[]): { perX: number; atZero: number; r2: number } {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  const sum = (of: (dx: number, dy: number) => number): number =>
    points.reduce((all, [x, y]) => all + of(x - mx, y - my), 0);
  const [xx, xy, yy] = [sum((dx) => dx * dx), sum((dx, dy) => dx * dy), sum((_, dy) => dy * dy)];
  return { perX: xy / xx, atZero: my - (xy / xx) * mx, r2: (xy * xy) / (xx * yy) };
}
