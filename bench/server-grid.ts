/**
 * The server's work in the grid of Bonawitz et al. (CCS 2017, table 2): n = 1,000, m = 100,000, dropouts
 * after the keys were shared; on the graph of the parameter rule, and on the complete one of the paper.
 * Seeds are synthetic, and nothing is under the masks: what comes out is of no meaning.
 */
import { type Bench, type Figure, figuresOf } from './figure.js';
import type { JobOptions } from './open-job.js';
import { opened, openerOfThisMachine, settingOf } from './unmasking.js';

interface Cell extends Pick<JobOptions, 'dropped' | 'graph'> {
  readonly mostMs?: number;
}

const QUICK_CELLS: readonly Cell[] = [
  { graph: 'tables', dropped: 0, mostMs: 1000 },
  { graph: 'tables', dropped: 100, mostMs: 2000 },
];
const CELLS: readonly Cell[] = [
  ...QUICK_CELLS,
  { graph: 'tables', dropped: 300, mostMs: 10_000 },
  { graph: 'complete', dropped: 0 },
  { graph: 'complete', dropped: 100 },
  { graph: 'complete', dropped: 300, mostMs: 60_000 },
];

const DEVICES = 1000;
const LANES = 100_000;

const figure = figuresOf('server-grid');

export const serverGridBench: Bench = async ({ isQuick, progress }) => {
  const opener = openerOfThisMachine();
  const figures: Figure[] = [];
  try {
    for (const { graph, dropped, mostMs } of isQuick ? QUICK_CELLS : CELLS) {
      progress(`${graph}, ${dropped} per mille dropped`);
      const base = {
        devices: DEVICES,
        lanes: LANES,
        unmasking: 'direct',
        isMasked: false,
      } as const;
      const options: JobOptions = { ...base, graph, dropped };
      const times = graph === 'complete' && dropped > 0 ? 1 : 3;
      const { wall, cpu, neighbours } = await opened(opener, options, times);
      const setting = { ...settingOf(options, neighbours), graph };
      const target = mostMs === undefined ? {} : { target: { max: mostMs } };
      figures.push(
        figure('server work', wall, 'ms', { ...target, setting }),
        figure('server work, CPU', cpu, 'ms', { setting }),
      );
    }
  } finally {
    await opener.close();
  }
  return figures;
};
