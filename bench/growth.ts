/**
 * How costs grow: a device's with n and with m, the coordinator's per device with n. γ is fixed; δ is
 * chosen for each n so that k and nearly t stay the same, since both depend on it.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import { devicePlayer, meanCpuMs } from './device-cost.js';
import { type Bench, type Figure, figuresOf, median, slope } from './figure.js';
import { recordingOf } from './recordings.js';
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
const DEVICE_SAMPLES = 7;
const DEVICES_PER_SAMPLE = 10;
/** To one process; the first ones compile code. */
const ROUNDS = 6;
const WARM_UP_ROUNDS = 3;

const figure = figuresOf('growth');

type Point = readonly [x: number, y: number];

export const growthBench: Bench = async ({ isQuick, progress }) => {
  const figures: Figure[] = [];
  const sizes = isQuick ? GROWTH_SIZES.slice(0, QUICK_SIZES) : GROWTH_SIZES;
  const [deviceByN, coordinatorByN]: [Point[], Point[]] = [[], []];
  for (const { devices, dropout } of sizes) {
    progress(`n = ${devices}`);
    const folder = await recordingOf({ devices, lanes: LANES, dropout });
    const { k } = readService(folder).plan.parameters;
    const setting = { n: devices, m: LANES, k, over: 'n' };
    const device = deviceSamples(folder);
    deviceByN.push([devices, median(device)]);
    figures.push(figure('device CPU', device, 'ms', { setting }));
    const played = await replayRounds(folder, ['coordinator'], ROUNDS);
    const rounds = played.coordinator.slice(WARM_UP_ROUNDS);
    const coordinator = rounds.map(({ cpuMs }) => cpuMs / devices);
    coordinatorByN.push([devices, median(coordinator)]);
    figures.push(figure('coordinator CPU per device', coordinator, 'ms', { setting }));
  }
  figures.push(
    figure('device CPU, exponent of n', slope(deviceByN), ''),
    figure('coordinator CPU per device, exponent of n', slope(coordinatorByN), ''),
  );
  const [smallest] = GROWTH_SIZES;
  const deviceByM: Point[] = [];
  for (const lanes of isQuick ? GROWTH_LANES.slice(0, QUICK_LANES) : GROWTH_LANES) {
    progress(`m = ${lanes}`);
    const folder = await recordingOf({ ...smallest, lanes });
    const { k } = readService(folder).plan.parameters;
    const device = deviceSamples(folder);
    deviceByM.push([lanes, median(device)]);
    const setting = { n: smallest.devices, m: lanes, k, over: 'm' };
    figures.push(figure('device CPU', device, 'ms', { setting }));
  }
  const { perX, atZero, r2 } = line(deviceByM);
  figures.push(
    figure('device CPU, for each 1,000 lanes more', 1000 * perX, 'ms'),
    figure('device CPU, without any lane', atZero, 'ms'),
    figure('device CPU, linear in m: r²', r2, ''),
  );
  return figures;
};

function deviceSamples(folder: string): number[] {
  const round = devicePlayer(folder, nativeSuite);
  meanCpuMs(DEVICES_PER_SAMPLE, round);
  return Array.from({ length: DEVICE_SAMPLES }, () => meanCpuMs(DEVICES_PER_SAMPLE, round));
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
