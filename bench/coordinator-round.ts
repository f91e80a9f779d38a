/**
 * What a round costs the coordinator, after everybody has connected: recorded devices play it over real
 * sockets from other processes, and a bare ws server gets the same bytes and the same signature checks.
 */
import { type Bench, type Figure, figuresOf } from './figure.js';
import { DROPOUT, recordingOf } from './recordings.js';
import { replayRounds } from './replay/replay.js';

const DEVICES = 1000;
const LANES = 256;
const MOST_RATIO = 1.5;
/**
 * Of one server process. V8 compiles for seven rounds or so: by then its own threads have come down from
 * 700 ms a round to 150. The very first round is told apart.
 */
const WARM_UP_ROUNDS = 8;
const QUICK_WARM_UP_ROUNDS = 5;
const ROUNDS = 12;
const QUICK_ROUNDS = 4;

const figure = figuresOf('coordinator-round');

export const coordinatorRoundBench: Bench = async ({ isQuick, progress }) => {
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  progress('replay: the coordinator and bare ws in turn');
  const warmUp = isQuick ? QUICK_WARM_UP_ROUNDS : WARM_UP_ROUNDS;
  const rounds = warmUp + (isQuick ? QUICK_ROUNDS : ROUNDS);
  const { coordinator, bare } = await replayRounds(folder, ['coordinator', 'bare'], rounds);
  const runs = coordinator.slice(warmUp).flatMap((ours, i) => {
    const beside = bare[warmUp + i];
    return beside === undefined ? [] : [{ ours, bare: beside }];
  });
  const setting = { n: DEVICES, m: LANES, dropout: DROPOUT };
  const perDevice = (which: 'ours' | 'bare'): number[] =>
    runs.map((run) => run[which].cpuMs / DEVICES);
  const ratios = runs.map(({ ours, bare }) => ours.cpuMs / bare.cpuMs);
  const of = (pick: (run: (typeof runs)[number]) => number): number[] => runs.map(pick);
  const figures: Figure[] = [
    figure('coordinator CPU per device', perDevice('ours'), 'ms', { setting }),
    figure(
      'coordinator CPU per device, first round of a process',
      (coordinator[0]?.cpuMs ?? Number.NaN) / DEVICES,
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
