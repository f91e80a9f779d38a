/**
 * What a whole round costs a device, Challenge to Closed, beside the primitives that it cannot avoid.
 * Recorded devices run again, one at a time, and must send the bytes that they sent.
 */
import { type Suite, portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { closed, decodeFrame } from '@onlysum/protocol';
import type { RecordedDevice } from '@onlysum/simulator';
import { barePrimitives } from './bare-primitives.js';
import { cpuOf } from './cpu.js';
import { type Bench, type Figure, figuresOf } from './figure.js';
import { DROPOUT, recordingOf } from './recordings.js';
import { replayDevice } from './replay/device-replay.js';
import { readDevices, readService } from './replay/recorded-files.js';

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
    { suite: nativeSuite, rounds: 10, samples: isQuick ? 7 : 15, mostRatio: 1.8 },
    { suite: portableSuite, rounds: 1, samples: isQuick ? 5 : 11, mostRatio: 2 },
  ];
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  const service = readService(folder);
  const whole = readDevices(folder).filter(isWhole);
  const { k, t } = service.plan.parameters;
  return setups.flatMap(({ suite, rounds, samples, mostRatio }): Figure[] => {
    progress(`${suite.name} suite`);
    const bare = barePrimitives(suite, { k, t, lanes: LANES });
    const queue = devicesInTurn(whole);
    const round = (): void => replayDevice(suite, service, queue());
    const found: { round: number; bare: number }[] = [];
    // The first one warms up.
    for (let sample = 0; sample <= samples; sample++) {
      const times = { round: repeated(rounds, round), bare: repeated(rounds, bare) };
      if (sample > 0) found.push(times);
    }
    const setting = { n: DEVICES, m: LANES, k, suite: suite.name };
    const name = (what: string): string => `${what}, ${suite.name} suite`;
    const ratios = found.map((each) => each.round / each.bare);
    return [
      figure(
        name('whole round'),
        found.map((each) => each.round),
        'ms',
        { setting },
      ),
      figure(
        name('bare primitives'),
        found.map((each) => each.bare),
        'ms',
        { setting },
      ),
      figure(name('whole round against bare primitives'), ratios, '×', {
        target: { max: mostRatio },
        setting,
      }),
    ];
  });
};

function isWhole({ down }: RecordedDevice): boolean {
  const last = down.at(-1);
  return last !== undefined && decodeFrame(last)[0] === closed.type;
}

/** @returns one after the other, and again from the start. */
function devicesInTurn(devices: readonly RecordedDevice[]): () => RecordedDevice {
  let next = 0;
  return () => {
    const device = devices[next++ % devices.length];
    if (device === undefined) throw new RangeError('no device was in the round until its end');
    return device;
  };
}

/** @returns CPU milliseconds of one, as a mean over so many. */
function repeated(times: number, run: () => void): number {
  return (
    cpuOf(() => {
      for (let i = 0; i < times; i++) run();
    }) / times
  );
}
