/**
 * Prio3 and Onlysum for the same metrics, in one run.
 *
 * What Prio3 has and masking has not: both aggregators verify that every report is in range before they add
 * it, and a client sends one report and leaves. What it asks for: two servers that compute on data and do not
 * collude. Onlysum has one server on the data's path, beside a registrar that never gets data, and proves
 * nothing about inputs; its devices answer each other's keys, so that they pay k agreements and wait.
 */
import { Prio3Count, Prio3Histogram, Prio3Sum, Prio3SumVec } from '@divviup/prio3';
import { portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { cpuMs } from './cpu.js';
import { type Bench, type Figure, type Samples, type Setting, figuresOf } from './figure.js';
import { deviceBytes, deviceCpuMs, recordRound, serversCpuMs } from './peers/onlysum-round.js';
import { type Prio3Metric, prio3Metric } from './peers/prio3-report.js';

interface PeerMetric {
  /** Type and size, in the words of Prio3. */
  readonly setting: Setting;
  readonly prio3: Prio3Metric;
  /** Samples, and how many reports one after another make one. */
  readonly samples: number;
  readonly reports: number;
  /** m that carries the same values. */
  readonly lanes: number;
}

/** 16-bit inputs of a lane: two of them are what a 32-bit value is split into (protocol §3.2). */
const LIMBS = 2;
const BITS = 32;

const METRICS: readonly PeerMetric[] = [
  {
    setting: { type: 'Count' },
    prio3: prio3Metric<boolean, number>((shares) => new Prio3Count({ shares }), true, 1),
    samples: 15,
    reports: 20,
    lanes: 1,
  },
  {
    setting: { type: 'Sum', bits: BITS },
    prio3: prio3Metric<number | bigint, number | bigint>(
      (shares) => new Prio3Sum({ shares, bits: BITS }),
      4_123_456_789,
      4_123_456_789n,
    ),
    samples: 11,
    reports: 4,
    lanes: LIMBS,
  },
  {
    setting: { type: 'Histogram', length: 100 },
    prio3: prio3Metric<number, number[]>(
      (shares) => new Prio3Histogram({ shares, length: 100, chunkLength: chunkLength(100) }),
      42,
      Array.from({ length: 100 }, (_, bucket) => (bucket === 42 ? 1 : 0)),
    ),
    samples: 11,
    reports: 4,
    // With room for 16-bit inputs in each, which a histogram would not need.
    lanes: 100,
  },
  sumVec(100, 5),
  sumVec(1000, 3),
];

/** Devices of the fleets. 140 have round tables with the k of 200; 24 have the complete graph. */
const DEVICES = 140;
const QUICK_DEVICES = 24;
/** From here on one report takes seconds, and a quick run makes one. */
const SLOW_LENGTH = 1000;

const figure = figuresOf('peers');

export const peersBench: Bench = async ({ isQuick, progress }) => {
  const devices = isQuick ? QUICK_DEVICES : DEVICES;
  progress('Prio3 and Onlysum, warming up');
  serversCpuMs(QUICK_DEVICES, 1);
  const figures: Figure[] = [];
  for (const metric of METRICS) {
    progress(Object.values(metric.setting).join(' '));
    figures.push(...(await prio3Figures(metric, isQuick)));
    figures.push(...onlysumFigures(metric, devices, isQuick));
  }
  return figures;
};

async function prio3Figures(metric: PeerMetric, isQuick: boolean): Promise<Figure[]> {
  const { prio3, reports } = metric;
  const setting = { ...metric.setting, system: 'prio3' };
  const isSlow = metric.setting['length'] === SLOW_LENGTH;
  const samples = isQuick ? Math.min(metric.samples, isSlow ? 1 : 3) : metric.samples;
  let bytes = 0;
  const report = async (): Promise<void> => {
    bytes = await prio3.report();
  };
  const found = [
    figure('Prio3 client CPU', await sampled(samples, reports, report, isSlow), 'ms', {
      setting,
    }),
    figure('Prio3 bytes up, without envelope', bytes, 'B', { setting }),
  ];
  if (isSlow && isQuick) return found;
  const verify = await prio3.receivedReport();
  const servers = await sampled(samples, reports, verify, isSlow);
  return [...found, figure('Prio3 CPU of both servers', servers, 'ms', { setting })];
}

function onlysumFigures(metric: PeerMetric, devices: number, isQuick: boolean): Figure[] {
  const { lanes } = metric;
  const round = recordRound(devices, lanes);
  const { k } = round.recording.plan.parameters;
  const setting = { ...metric.setting, system: 'onlysum', n: devices, m: lanes, k };
  return [
    ...[nativeSuite, portableSuite].map((suite) => {
      const most = suite === nativeSuite ? 40 : 7;
      const samples = deviceCpuMs(round, suite, isQuick ? Math.ceil(most / 4) : most);
      return figure('Onlysum device CPU, whole round', samples, 'ms', {
        setting: { ...setting, suite: suite.name },
      });
    }),
    figure('Onlysum bytes up', deviceBytes(round, 'up'), 'B', { setting }),
    figure('Onlysum bytes down', deviceBytes(round, 'down'), 'B', { setting }),
    figure(
      'Onlysum CPU of coordinator and registrar per device, without sockets',
      serversCpuMs(devices, lanes),
      'ms',
      { setting },
    ),
  ];
}

/** @returns CPU milliseconds of one, each a mean over so many one after another. */
async function sampled(
  samples: number,
  times: number,
  run: () => Promise<void>,
  isWarm: boolean,
): Promise<Samples> {
  const found: number[] = [];
  for (let sample = isWarm ? 1 : 0; sample <= samples; sample++) {
    const before = cpuMs();
    for (let i = 0; i < times; i++) await run();
    if (sample > 0) found.push((cpuMs() - before) / times);
  }
  return found;
}

function sumVec(length: number, samples: number): PeerMetric {
  // Below 2^31: prio3 0.8.0 weighs bit 31 with 1 << 31, which is negative, and opens another sum. What a
  // report costs does not depend on it.
  const values = Array.from({ length }, (_, i) => 2_000_000_000 + i);
  return {
    setting: { type: 'SumVec', length, bits: BITS },
    prio3: prio3Metric<number[], number[]>(
      (shares) =>
        new Prio3SumVec({ shares, length, bits: BITS, chunkLength: chunkLength(length * BITS) }),
      values,
      values,
    ),
    samples,
    reports: 1,
    lanes: LIMBS * length,
  };
}

/** About the square root makes the shortest proofs. */
function chunkLength(elements: number): number {
  return Math.ceil(Math.sqrt(elements));
}
