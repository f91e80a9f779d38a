import { UsageError } from '@onlysum/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { compileLayout, decodeLane, laneWidth } from './layout.js';
import type { Manifest, Metric, Privacy } from './manifest.js';
import { parseManifest } from './parse-manifest.js';

const base = parseManifest(vectors.manifest);
const about = {
  group: 'g',
  purpose: 'p',
  owner: 'o',
  retentionDays: 1,
  access: ['analyst'] as const,
};

function manifestWith(max: number, ...metrics: Metric[]): Manifest {
  const groups = [{ name: 'g', purpose: 'p', essential: true }];
  return { ...base, cohort: { min: 3, target: 3, max }, groups, metrics };
}

test.each([
  ['the example', vectors.manifest, vectors.lanes, vectors.vectorBytes],
  ['every other kind', vectors.kinds, vectors.kindLanes, vectors.kindVectorBytes],
])('%s has the published lanes', (_, manifest, lanes, vectorBytes) => {
  const layout = compileLayout(parseManifest(manifest));
  expect(layout.lanes).toEqual(lanes.map((lane) => ({ metric: undefined, ...lane })));
  expect(layout.widths).toEqual(lanes.map((lane) => lane.width));
  expect(layout.vectorBytes).toBe(vectorBytes);
  expect(layout.noise).toBe(undefined);
});

test.each(vectors.widths)('a lane of %o', ({ max, bound, tail, width }) => {
  expect(laneWidth(max, bound, tail)).toBe(width);
});

test('a value is split only where one lane could not hold the sum', () => {
  const lanes = (max: number, bound: number) =>
    compileLayout(
      manifestWith(max, { ...about, name: 'x', kind: 'count', max: bound }),
    ).lanes.filter((lane) => lane.role === 'value');
  // 65,535 · 65,537 = 2^32 − 1 fits; one more does not.
  expect(lanes(65_535, 65_537).map((lane) => lane.width)).toEqual([32]);
  expect(lanes(65_535, 65_538)).toMatchObject([
    { label: 'x.value.limb[0/2]', bound: 65_535, width: 32, limb: { index: 0, count: 2 } },
    { label: 'x.value.limb[1/2]', bound: 1, width: 16, limb: { index: 1, count: 2 } },
  ]);
  expect(lanes(3, 2 ** 51).map((lane) => lane.bound)).toEqual([65_535, 65_535, 65_535, 8]);
});

test('a sum that could leave the exact integers is refused with the name of the metric', () => {
  const compile = (bound: number) =>
    compileLayout(manifestWith(65_535, { ...about, name: 'far', kind: 'count', max: bound }));
  const most = Math.floor(Number.MAX_SAFE_INTEGER / 65_535);
  compile(most);
  expect(() => compile(most + 1)).toThrow(
    expect.objectContaining({
      code: 'metric-could-wrap',
      field: 'far',
      message: expect.stringContaining('metric far: expected at most'),
    }),
  );
});

test('more lanes than a vector may have are refused', () => {
  const categories = Array.from({ length: 1000 }, (_, i) => `c${i}`);
  const metrics = Array.from(
    { length: 66 },
    (_, i): Metric => ({ ...about, name: `m${i}`, kind: 'category', categories }),
  );
  expect(() => compileLayout(manifestWith(3, ...metrics))).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', field: 'metrics' }),
  );
  expect(compileLayout(manifestWith(3, ...metrics.slice(1))).lanes).toHaveLength(65_066);
});

test('a table of a million cells is refused', () => {
  const categories = Array.from({ length: 1000 }, (_, i) => `c${i}`);
  const axes = ['rows', 'columns'].map(
    (name): Metric => ({ ...about, name, kind: 'category', categories }),
  );
  const tables = Array.from(
    { length: 998 },
    (_, i): Metric => ({
      ...about,
      name: `t${i}`,
      kind: 'cross-tabulation',
      rows: 'rows',
      columns: 'columns',
    }),
  );
  expect(() => compileLayout(manifestWith(3, ...axes, ...tables))).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', field: 'metrics' }),
  );
});

const range = { min: '0', unit: 'u', resolution: '1' };
const skellam = parsePrivacy(vectors.noise[0]);
const laplace = parsePrivacy(vectors.noise[1]);

function parsePrivacy(privacy: unknown): Privacy {
  return parseManifest({ ...vectors.manifest, privacy }).privacy;
}

test.each([skellam, laplace])('with $mechanism every lane has noise and room for it', (privacy) => {
  for (const example of [vectors.manifest, vectors.kinds]) {
    const metrics = parseManifest(example).metrics.map(
      (m): Metric => (m.kind === 'sum' || m.name === 'far' ? ({ ...m, max: '1000' } as Metric) : m),
    );
    const manifest = { ...parseManifest(example), privacy, metrics };
    const { lanes, noise } = compileLayout(manifest);
    for (const { bound, tail, width, noise: scale } of lanes) {
      expect(scale?.mechanism).toBe(privacy.mechanism);
      expect(tail).toBeGreaterThan(0);
      expect(width).toBe((BigInt(120 * bound) + 2n * BigInt(tail)).toString(2).length);
    }
    // Lanes of bound 1 of a metric share a block; amounts and respondents have one each.
    const amounts = lanes.filter(({ role }) => ['respondents', 'value', 'square'].includes(role));
    const alone = amounts.filter(({ role, bound }) => role !== 'value' || bound > 1);
    expect(noise?.blocks.size).toBe(metrics.length + alone.length);
  }
});

test('an amount with noise is never in limbs, but refused by name where its lane would wrap', () => {
  const sum = (steps: number): Metric => ({
    ...about,
    ...range,
    name: 'x',
    kind: 'sum',
    max: String(steps),
  });
  const compile = (steps: number, max: number) =>
    compileLayout({
      ...manifestWith(max, sum(steps)),
      cohort: { min: max, target: max, max },
      privacy: skellam,
    }).lanes;
  // 2^20 · 3,000 < 2^32 < 2^20 · 5,000.
  const value = compile(2 ** 20, 3000).find(({ role }) => role === 'value');
  expect(value).toMatchObject({ label: 'x.value', bound: 2 ** 20, width: 32 });
  expect(value?.limb).toBe(undefined);
  expect(() => compile(2 ** 20, 5000)).toThrow(
    expect.objectContaining({
      code: 'metric-could-wrap',
      field: 'x',
      message: expect.stringMatching(
        /^metric x: expected at most 32 bits .* got 3[34] in x\.value/,
      ),
    }),
  );
});

test.each<[string, Metric, Metric]>([
  [
    'steps',
    { ...about, ...range, name: 'fine', kind: 'mean', max: String(2 ** 20) },
    { ...about, ...range, name: 'fine', kind: 'mean', max: String(2 ** 20 + 1) },
  ],
  [
    'events',
    { ...about, name: 'fine', kind: 'count', max: 2 ** 20 },
    { ...about, name: 'fine', kind: 'count', max: 2 ** 20 + 1 },
  ],
  [
    'squares',
    { ...about, ...range, name: 'fine', kind: 'variance', max: '2048' },
    { ...about, ...range, name: 'fine', kind: 'variance', max: '2049' },
  ],
])('too many %s for noise are refused by name, and allowed without', (_, most, more) => {
  const compile = (metric: Metric, privacy: Privacy) =>
    compileLayout({ ...manifestWith(3, metric), privacy });
  compile(most, skellam);
  compile(more, { mechanism: 'none' });
  expect(() => compile(more, skellam)).toThrow(
    expect.objectContaining({ code: 'noise-too-fine', field: 'fine' }),
  );
});

test('a promise that no noise in 32 bits can keep is refused', () => {
  const compile = (privacy: Privacy) =>
    compileLayout({ ...manifestWith(3, { ...about, name: 'x', kind: 'flag' }), privacy });
  const tiny = '0.00000000000000001';
  expect(() => compile({ ...skellam, epsilon: tiny } as Privacy)).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', field: 'privacy.epsilon' }),
  );
  expect(() => compile({ ...laplace, epsilon: tiny } as Privacy)).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', field: 'privacy.epsilon' }),
  );
});

test('noise needs an honest device in the smallest cohort, and is sized for it', () => {
  const manifest = (min: number, corrupt: number): Manifest => ({
    ...manifestWith(100, { ...about, name: 'x', kind: 'flag' }),
    cohort: { min, target: 100, max: 100 },
    assumptions: { corrupt, dropout: 200, population: 0 },
    privacy: skellam,
  });
  // 40 − ⌊0.2·40⌋ − ⌈0.05·40⌉, though 41 − 8 − 3 is less than 41 − 8 − 2 would be.
  expect(compileLayout(manifest(40, 50)).noise?.shares).toBe(30);
  const widthOf = (min: number) => compileLayout(manifest(min, 50)).lanes[0]?.tail ?? 0;
  expect(widthOf(20)).toBeGreaterThan(widthOf(100));
  expect(() => compileLayout(manifest(3, 700))).toThrow(
    expect.objectContaining({ code: 'manifest-invalid', field: 'cohort.min' }),
  );
});

const decimalRange = (mostSteps: number) =>
  fc
    .tuple(
      fc.integer({ min: -(10 ** 6), max: 10 ** 6 }),
      fc.integer({ min: 1, max: mostSteps }),
      fc.constantFrom('1', '2', '0.5', '0.125'),
    )
    .map(([min, steps, resolution]) => ({
      min: String(min),
      max: String(min + steps * Number(resolution)),
      resolution,
      unit: 'u',
    }));
const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9]{1,5}$/), { minLength: 1 });
const metric: fc.Arbitrary<Metric> = fc
  .oneof(
    fc.constant({ kind: 'flag' } as const),
    fc.record({ kind: fc.constant('count' as const), max: fc.integer({ min: 1, max: 2 ** 37 }) }),
    fc.record({
      kind: fc.constant('category' as const),
      categories: names,
    }),
    fc.record({ kind: fc.constant('top-k' as const), candidates: names, k: fc.constant(1) }),
    fc.record({ kind: fc.constant('multi-select' as const), options: names, most: fc.constant(1) }),
    decimalRange(10 ** 10).map((range) => ({ kind: 'sum' as const, ...range })),
    decimalRange(10 ** 10).map((range) => ({ kind: 'mean' as const, ...range })),
    // Squares of a quarter of 10^11, which 65,535 devices may add up.
    decimalRange(300_000).map((range) => ({ kind: 'variance' as const, ...range })),
    fc.record({
      kind: fc.constant('distribution' as const),
      min: fc.constantFrom('0.001', '1', '20'),
      max: fc.constantFrom('21', '100000'),
      relativeError: fc.constantFrom('0.01', '0.1', '0.9'),
      unit: fc.constant('u'),
    }),
    fc.uniqueArray(fc.integer(), { minLength: 2 }).map((edges) => ({
      kind: 'histogram' as const,
      edges: edges.sort((a, b) => a - b).map(String),
      unit: 'u',
    })),
  )
  .map((kind) => ({ ...about, name: 'x', ...kind }));

test('no lane can wrap, labels are unique, limbs make up the bound', () => {
  fc.assert(
    fc.property(
      fc.array(metric, { minLength: 1 }),
      fc.integer({ min: 3, max: 65_535 }),
      (list, max) => {
        const metrics = list.map((m, i) => ({ ...m, name: `m${i}` }));
        const { lanes, widths, vectorBytes } = compileLayout(manifestWith(max, ...metrics));
        expect(new Set(lanes.map((lane) => lane.label)).size).toBe(lanes.length);
        for (const [i, { index, bound, width, tail }] of lanes.entries()) {
          expect(index).toBe(i);
          expect(bound).toBeGreaterThanOrEqual(1);
          expect(width).toBeLessThanOrEqual(32);
          expect(max * bound + 2 * tail).toBeLessThan(2 ** width);
          expect(max * bound + 2 * tail).toBeGreaterThanOrEqual(2 ** (width - 1));
        }
        expect(vectorBytes).toBe(Math.ceil(widths.reduce((a, b) => a + b, 0) / 8));
        for (const m of metrics) {
          if (m.kind !== 'count') continue;
          const value = lanes.filter((lane) => lane.metric === m.name && lane.role === 'value');
          const top = value.at(-1)!;
          expect(top.bound).toBe(Math.floor(m.max / 2 ** (16 * (value.length - 1))));
          expect(value.map((lane) => lane.limb?.count ?? 1)).toEqual(value.map(() => value.length));
        }
      },
    ),
  );
});

test('with noise no lane can wrap within its tail, or its metric is refused by name', () => {
  let compiled = 0;
  fc.assert(
    fc.property(metric, fc.integer({ min: 3, max: 2000 }), fc.boolean(), (m, max, pure) => {
      const manifest = { ...manifestWith(max, m), privacy: pure ? laplace : skellam };
      try {
        for (const { bound, tail, width, limb } of compileLayout(manifest).lanes) {
          expect(limb).toBe(undefined);
          expect(tail).toBeGreaterThan(0);
          expect(width).toBeLessThanOrEqual(32);
          expect(max * bound + 2 * tail).toBeLessThan(2 ** width);
        }
        compiled += 1;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(['metric-could-wrap', 'noise-too-fine']).toContain(error.code);
        expect(error.field).toBe('x');
      }
    }),
  );
  expect(compiled).toBeGreaterThan(30);
});

test('a lane decodes to every sum from −T to max·B + T, whatever was added in between', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 65_535 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 0, max: 2 ** 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (max, bound, tail, where) => {
        const width = laneWidth(max, bound, tail);
        for (const sum of [
          0 - tail,
          max * bound + tail,
          Math.floor(0 - tail + where * (max * bound + 2 * tail)),
        ]) {
          // As the ring holds it: modulo 2^32, of which only the low w bits were sent.
          const opened = Number(BigInt.asUintN(width, BigInt(sum)));
          expect(decodeLane(opened, { tail, width })).toBe(sum);
        }
      },
    ),
  );
});

test('a lane decodes below zero, down to its tail', () => {
  expect(laneWidth(1, 2 ** 32 - 1, 2 ** 31)).toBe(33);
  expect(decodeLane(2 ** 32 + 5, { tail: 3, width: 32 })).toBe(5);
  expect(decodeLane(2 ** 32 - 2, { tail: 3, width: 32 })).toBe(-2);
});
