/** A run with numbers of nobody's machine, for tests of the report: every series that a chart is of. */
import { type Figure, type Setting, type Target, figuresOf } from '../../bench/figure.js';
import type { KeptRun } from '../../bench/kept-run.js';

const of =
  (bench: string) =>
  (name: string, value: number, unit: string, setting?: Setting, target?: Target): Figure =>
    figuresOf(bench)(name, [0.9 * value, value, 1.2 * value], unit, {
      ...(setting === undefined ? {} : { setting }),
      ...(target === undefined ? {} : { target }),
    });

const kernel = of('kernel');
const growth = of('growth');
const unmasking = of('unmasking');
const bytes = of('bytes');
const coordinator = of('coordinator-round');
const grid = of('server-grid');
const device = of('device-round');
const peers = of('peers');

const COHORTS = [
  { n: 60, k: 59, graph: 'complete' },
  { n: 100, k: 99, graph: 'complete' },
  { n: 200, k: 32, graph: 'tables' },
  { n: 1000, k: 44, graph: 'tables' },
  { n: 10_000, k: 50, graph: 'tables' },
];
const LANES = [1, 1000, 10_000];
const DROPOUTS = [0, 50, 100, 200, 300];

export const FIXTURE_RUN: KeptRun = {
  at: '2026-01-02T03:04:05.678Z',
  seconds: 750,
  quick: false,
  only: [],
  cpu: 'a processor | of nobody',
  cores: 2,
  memoryGiB: 24,
  node: 'v20.0.0',
  commit: '0123456789abcdef',
  figures: [
    kernel('256 B stream, kernel against noble', 13.21, '×', { bytes: 256 }, { min: 15 }),
    kernel('64 KiB stream, kernel against noble', 9.5, '×', { bytes: 65_536 }, { min: 5 }),
    device('whole round', 9.4, 'ms', { n: 1000, m: 1000, k: 44, suite: 'native' }),
    device(
      'whole round against bare primitives',
      2.4,
      '×',
      { n: 1000, m: 1000, k: 44, suite: 'native' },
      { max: 1.8 },
    ),
    ...COHORTS.map((cohort) =>
      growth('device CPU', 0.2 * cohort.k, 'ms', { ...cohort, m: 256, over: 'n' }),
    ),
    ...[256, ...LANES].map((m) =>
      growth('device CPU', 8.8 + m / 500, 'ms', { n: 1000, m, k: 44, graph: 'tables', over: 'm' }),
    ),
    growth('device CPU, exponent of n', 0.04, ''),
    ...COHORTS.map(({ n, k }) =>
      growth('coordinator CPU per device', 1 + n / 1e5, 'ms', { n, m: 256, k, over: 'n' }),
    ),
    ...DROPOUTS.flatMap((dropout) => [
      unmasking('unmasking', 60 + dropout / 5, 'ms', at(dropout, 'direct')),
      unmasking('unmasking', 300 + 8 * dropout, 'ms', at(dropout, 'shares')),
    ]),
    ...LANES.flatMap((m) => [
      bytes('upload per device', 4900 + 3.25 * m, 'B', { n: 1000, m, k: 44 }, bytesTarget(m)),
      bytes('download per device', 7900, 'B', { n: 1000, m, k: 44 }),
    ]),
    coordinator('devices per second', 480, '1/s', { n: 1000, m: 256, dropout: 100 }),
    coordinator('rounds per second', 0.48, '1/s', { n: 1000, m: 256, dropout: 100 }),
    ...[0, 100, 300].flatMap((dropout) => [
      grid('server work', 600 + 20 * dropout, 'ms', gridAt(dropout, 'tables', 44)),
      grid('server work', 900 + 150 * dropout, 'ms', gridAt(dropout, 'complete', 999)),
      grid('server work, CPU', 1700 + 290 * dropout, 'ms', gridAt(dropout, 'complete', 999)),
    ]),
    peers('Prio3 client CPU', 5.5, 'ms', sum({ system: 'prio3' })),
    peers('Prio3 bytes up, without envelope', 2656, 'B', sum({ system: 'prio3' })),
    peers('Onlysum device CPU, whole round', 7.25, 'ms', {
      ...sum({ system: 'onlysum', n: 140, m: 2, k: 32 }),
      suite: 'native',
    }),
  ],
};

function at(dropout: number, how: string): Setting {
  return { n: 1000, m: 1000, dropout, unmasking: how, threads: 2 };
}

function gridAt(dropout: number, graph: string, k: number): Setting {
  return { n: 1000, m: 100_000, dropout, graph, k, threads: 2 };
}

function bytesTarget(m: number): Target | undefined {
  return m === 1000 ? { max: 8500 } : undefined;
}

function sum(more: Setting): Setting {
  return { type: 'Sum', bits: 32, ...more };
}
