import { expectTypeOf, test } from 'vitest';
import type { Manifest } from './manifest.js';
import type { MetricValues } from './metric-values.js';

const about = {
  group: 'g',
  purpose: 'p',
  owner: 'o',
  retentionDays: 1,
  access: ['analyst'],
} as const;
const range = { min: '0', max: '9', resolution: '1', unit: 'ms' } as const;
const manifest = {
  metrics: [
    { ...about, name: 'active', kind: 'flag' },
    { ...about, name: 'crashes', kind: 'count', max: 9 },
    { ...about, name: 'channel', kind: 'category', categories: ['stable', 'beta'] },
    { ...about, name: 'system', kind: 'category', categories: ['linux'] },
    { ...about, name: 'both', kind: 'cross-tabulation', rows: 'channel', columns: 'system' },
    { ...about, name: 'extension', kind: 'top-k', candidates: ['a', 'b'], k: 1 },
    { ...about, name: 'features', kind: 'multi-select', options: ['print', 'share'], most: 1 },
    { ...about, ...range, name: 'written', kind: 'sum' },
    { ...about, ...range, name: 'memory', kind: 'mean' },
    { ...about, ...range, name: 'spread', kind: 'variance' },
    { ...about, name: 'startup', kind: 'histogram', edges: ['0', '1'], unit: 'ms' },
    {
      ...about,
      name: 'latency',
      kind: 'distribution',
      min: '1',
      max: '9',
      relativeError: '0.5',
      unit: 'ms',
    },
  ],
} as const satisfies Pick<Manifest, 'metrics'>;

type Metrics = MetricValues<typeof manifest>;

test('each kind has its type, and what cannot be recorded is left out', () => {
  expectTypeOf<Metrics>().toEqualTypeOf<{
    readonly active: boolean;
    readonly crashes: number;
    readonly channel: 'stable' | 'beta' | 'other';
    readonly system: 'linux' | 'other';
    readonly extension: 'a' | 'b' | 'other';
    readonly features: readonly ('print' | 'share' | 'other')[];
    readonly written: number;
    readonly memory: number;
    readonly spread: number;
    readonly startup: number;
    readonly latency: number;
  }>();
});

test('a typo and a wrong value do not compile', () => {
  const record = <K extends keyof Metrics>(name: K, value: Metrics[K]): [K, Metrics[K]] => [
    name,
    value,
  ];
  record('channel', 'stable');
  record('features', ['print', 'other']);
  // @ts-expect-error a typo in a metric's name
  record('crashs', 1);
  // @ts-expect-error a count is a number
  record('crashes', '1');
  // @ts-expect-error a typo in a category
  record('channel', 'stabel');
  // @ts-expect-error a typo in an option
  record('features', ['prnt']);
  // @ts-expect-error a cross-tabulation is not recorded
  record('both', 'stable');
});

test('a manifest read at run time gives names and values that are only known there', () => {
  expectTypeOf<MetricValues<Manifest>>().toEqualTypeOf<{
    readonly [name: string]: boolean | number | string | readonly string[];
  }>();
});
