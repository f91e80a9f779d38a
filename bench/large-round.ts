/** A round of 10,000 devices over real sockets, recorded and then played to the shipped coordinator. */
import { type Bench, figuresOf } from './figure.js';
import { recordingOf } from './recordings.js';
import { readService } from './replay/recorded-files.js';
import { replayRounds } from './replay/replay.js';

const DEVICES = 10_000;
const LANES = 1000;
const DROPOUT = 100;
const MOST_RSS_MIB = 600;

const figure = figuresOf('large-round');

export const largeRoundBench: Bench = async ({ progress }) => {
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  const { plan, result } = readService(folder);
  progress('replay');
  const { coordinator: costs } = await replayRounds(folder, ['coordinator'], 1);
  const setting = { n: DEVICES, m: LANES, k: plan.parameters.k, dropout: DROPOUT };
  return costs.flatMap(({ cpuMs, wallMs, peakRssMiB, delayP99Ms }) => [
    figure('survivors', result.survivors, 'devices', { setting }),
    figure('peak RSS of the coordinator', peakRssMiB, 'MiB', {
      target: { max: MOST_RSS_MIB },
      setting,
    }),
    figure('coordinator CPU per device', cpuMs / DEVICES, 'ms', { setting }),
    figure('wall time after connect', wallMs / 1000, 's', { setting }),
    figure('event loop delay, p99', delayP99Ms, 'ms', { setting }),
  ]);
};
