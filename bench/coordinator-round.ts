/**
 * What a round costs the coordinator, after everybody has connected: recorded devices play it over real
 * sockets from other processes, and a bare ws server gets the same bytes and the same signature checks.
 */
import { type Bench, type Figure, figuresOf } from './figure.js';
import { DROPOUT, recordingOf } from './recordings.js';
import type { ServerCost } from './replay/messages.js';
import { replayRounds } from './replay/replay.js';

const DEVICES = 1000;
const LANES = 256;
const MOST_RATIO = 1.5;
/** Of one server process; the first compiles code and is told apart. */
const ROUNDS = 4;

const figure = figuresOf('coordinator-round');

export const coordinatorRoundBench: Bench = async ({ isQuick, progress }) => {
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  const runs: { readonly ours: ServerCost; readonly bare: ServerCost }[] = [];
  const first: ServerCost[] = [];
  for (let pass = 1; pass <= (isQuick ? 1 : 3); pass++) {
    progress(`pass ${pass}: the coordinator, then bare ws`);
    const [cold, ...ours] = await replayRounds(folder, 'coordinator', ROUNDS);
    const [, ...bare] = await replayRounds(folder, 'bare', ROUNDS);
    if (cold !== undefined) first.push(cold);
    ours.forEach((cost, i) => {
      const beside = bare[i];
      if (beside !== undefined) runs.push({ ours: cost, bare: beside });
    });
  }
  const setting = { n: DEVICES, m: LANES, dropout: DROPOUT };
  const perDevice = (which: 'ours' | 'bare'): number[] =>
    runs.map((run) => run[which].cpuMs / DEVICES);
  const ratios = runs.map(({ ours, bare }) => ours.cpuMs / bare.cpuMs);
  const of = (pick: (run: (typeof runs)[number]) => number): number[] => runs.map(pick);
  const figures: Figure[] = [
    figure('coordinator CPU per device', perDevice('ours'), 'ms', { setting }),
    figure(
      'coordinator CPU per device, first round of a process',
      first.map(({ cpuMs }) => cpuMs / DEVICES),
      'ms',
      { setting },
    ),
    figure('bare ws replay, CPU per device', perDevice('bare'), 'ms', { setting }),
    figure('coordinator against bare ws replay', ratios, '×', {
      target: { max: MOST_RATIO },
      setting,
    }),
    figure(
      'peak RSS of the coordinator',
      of(({ ours }) => ours.peakRssMiB),
      'MiB',
      { setting },
    ),
    figure(
      'wall time after connect',
      of(({ ours }) => ours.wallMs),
      'ms',
      { setting },
    ),
    figure(
      'devices per second',
      of(({ ours }) => (1000 * DEVICES) / ours.cpuMs),
      '1/s',
      {
        setting,
      },
    ),
    figure(
      'rounds per second',
      of(({ ours }) => 1000 / ours.cpuMs),
      '1/s',
      { setting },
    ),
    figure(
      'event loop delay, p99',
      of(({ ours }) => ours.delayP99Ms),
      'ms',
      { setting },
    ),
  ];
  return figures;
};
