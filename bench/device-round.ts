/**
 * What a whole round costs a device, Challenge to Closed, beside the primitives that it cannot avoid.
 * Recorded devices run again, one at a time, and must send the bytes that they sent.
 */
import { type Suite, portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { barePrimitives } from './bare-primitives.js';
import { WARM_UPS, devicePlayer, meanCpuMs } from './device-cost.js';
import { type Bench, type Figure, figuresOf } from './figure.js';
import { DROPOUT, recordingOf } from './recordings.js';
import { readService } from './replay/recorded-files.js';

interface Setup {
  readonly suite: Suite;
  /** Rounds one after another that make a sample. */
  readonly rounds: number;
  readonly samples: number;
  readonly mostRatio: number;
}

const DEVICES = 1000;
const LANES = 1000;

const figure = figuresOf('device-round');

export const deviceRoundBench: Bench = async ({ isQuick, progress }) => {
  const setups: Setup[] = [
    { suite: nativeSuite, rounds: 10, samples: isQuick ? 9 : 21, mostRatio: 1.8 },
    { suite: portableSuite, rounds: 1, samples: isQuick ? 5 : 11, mostRatio: 2 },
  ];
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  const { k, t } = readService(folder).plan.parameters;
  return setups.flatMap(({ suite, rounds, samples, mostRatio }): Figure[] => {
    progress(`${suite.name} suite`);
    const bare = barePrimitives(suite, { k, t, lanes: LANES });
    const round = devicePlayer(folder, suite);
    const found: { round: number; bare: number }[] = [];
    for (let sample = -WARM_UPS; sample < samples; sample++) {
      const times = { round: meanCpuMs(rounds, round), bare: meanCpuMs(rounds, bare) };
      if (sample >= 0) found.push(times);
    }
    const setting = { n: DEVICES, m: LANES, k, suite: suite.name };
    const ratios = found.map((each) => each.round / each.bare);
    return [
      figure(
        'whole round',
        found.map((each) => each.round),
        'ms',
        { setting },
      ),
      figure(
        'bare primitives',
        found.map((each) => each.bare),
        'ms',
        { setting },
      ),
      figure('whole round against bare primitives', ratios, '×', {
        target: { max: mostRatio },
        setting,
      }),
    ];
  });
};
