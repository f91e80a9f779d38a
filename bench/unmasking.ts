/**
 * Taking the masks off as the coordinator does it, in its worker threads: against dropout, for direct
 * reveals and for shares alone, and what it does to the event loop meanwhile.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { type SumOpener, sumOpener } from '../packages/coordinator/src/open-sum-pool.js';
import { cpuMs } from './cpu.js';
import { type Bench, type Figure, type Target, figuresOf, median } from './figure.js';
import { type JobOptions, syntheticOpenJob } from './open-job.js';

const DEVICES = 1000;
const LANES = 1000;
const DROPPED = [0, 50, 100, 200, 300];
const TARGET_DROPPED = 100;
const MOST_MS = 100;
const LOOP_LANES = 10_000;
const MOST_DELAY_MS = 50;

/** Threads start and compile code. */
const WARM_UPS = 2;
const SETTLE_MS = 20;

const figure = figuresOf('unmasking');

export const unmaskingBench: Bench = async ({ isQuick, progress }) => {
  const opener = openerOfThisMachine();
  const times = isQuick ? 9 : 15;
  const figures: Figure[] = [];
  try {
    for (const dropped of isQuick ? [TARGET_DROPPED] : DROPPED) {
      const medians: Partial<Record<JobOptions['unmasking'], number>> = {};
      for (const unmasking of ['direct', 'shares'] as const) {
        progress(`${dropped} per mille dropped, ${unmasking}`);
        const isTarget = dropped === TARGET_DROPPED && unmasking === 'direct';
        const options = { ...BASE, dropped, unmasking };
        // A job of shares takes long to make.
        const many = unmasking === 'shares' ? Math.ceil(times / 3) : times;
        const { wall, cpu, neighbours } = await opened(opener, options, many);
        const setting = settingOf(options, neighbours);
        const target: Target = { max: MOST_MS };
        figures.push(
          figure('unmasking', wall, 'ms', { setting, ...(isTarget ? { target } : {}) }),
          figure('unmasking, CPU', cpu, 'ms', { setting }),
        );
        medians[unmasking] = median(cpu);
      }
      const ratio = (medians.shares ?? Number.NaN) / (medians.direct ?? Number.NaN);
      const setting = { n: DEVICES, m: LANES, dropout: dropped };
      figures.push(figure('shares against direct reveal, CPU', ratio, '×', { setting }));
    }
    progress(`event loop delay with ${LOOP_LANES} lanes`);
    const options = { ...BASE, lanes: LOOP_LANES, dropped: TARGET_DROPPED };
    const { delayP99, delayMost, wall, neighbours } = await opened(opener, options, times);
    const setting = settingOf(options, neighbours);
    figures.push(
      figure('unmasking', wall, 'ms', { setting }),
      figure('event loop delay while unmasking, p99', delayP99, 'ms', {
        target: { max: MOST_DELAY_MS },
        setting,
      }),
      figure('event loop delay while unmasking, longest', delayMost, 'ms', { setting }),
    );
  } finally {
    await opener.close();
  }
  return figures;
};

const BASE: JobOptions = {
  devices: DEVICES,
  lanes: LANES,
  dropped: TARGET_DROPPED,
  graph: 'tables',
  unmasking: 'direct',
  isMasked: true,
};

/** As a coordinator has it, with its threads started. */
export function openerOfThisMachine(): SumOpener {
  return sumOpener('native', pino({ level: 'fatal' }));
}

export interface Opened {
  readonly wall: number[];
  readonly cpu: number[];
  /** Of the event loop during each opening, milliseconds: 99th percentile, and the longest. */
  readonly delayP99: number[];
  readonly delayMost: number[];
  /** k. */
  readonly neighbours: number;
}

/**
 * Opens jobs of one kind, after some that do not count.
 *
 * @throws {Error} if a sum is not the plain one, where that is known.
 */
export async function opened(
  opener: SumOpener,
  options: JobOptions,
  times: number,
): Promise<Opened> {
  const found: Opened = { wall: [], cpu: [], delayP99: [], delayMost: [], neighbours: 0 };
  let neighbours = 0;
  for (let time = -WARM_UPS; time < times; time++) {
    const { job, plain, ...made } = syntheticOpenJob(options);
    neighbours = made.neighbours;
    // What making it left to be collected.
    await sleep(SETTLE_MS);
    const delays = monitorEventLoopDelay({ resolution: 1 });
    const start = { wall: performance.now(), cpu: cpuMs() };
    delays.enable();
    const outcome = await opener.open(job);
    delays.disable();
    const end = { wall: performance.now(), cpu: cpuMs() };
    if (outcome.kind !== 'sum') throw new Error(`nothing was opened: ${outcome.kind}`);
    if (options.isMasked && !outcome.lanes.every((lane) => lane === plain)) {
      throw new Error('the opened sum is not the plain one');
    }
    if (time < 0) continue;
    found.wall.push(end.wall - start.wall);
    found.cpu.push(end.cpu - start.cpu);
    found.delayP99.push(delays.percentile(99) / 1e6);
    found.delayMost.push(delays.max / 1e6);
  }
  return { ...found, neighbours };
}

export function settingOf(options: JobOptions, neighbours: number) {
  const { devices: n, lanes: m, dropped: dropout, unmasking } = options;
  return { n, m, k: neighbours, dropout, unmasking, threads: availableParallelism() };
}
