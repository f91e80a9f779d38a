/**
 * The theorem of this package: encode every device, add the lanes in the ring, estimate, and you have
 * what a direct computation over the same devices gives. Numbers are drawn as integers over the
 * resolution, so that the direct computation is exact in doubles too.
 */
import {
  compileLayout,
  decodeLane,
  type Manifest,
  type Metric,
  parseManifest,
} from '@onlysum/task';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { encodeLanes } from './encode.js';
import { estimateTotals } from './estimate.js';
import { accumulate, findMetric, type RecordedValue } from './value.js';

const about = { purpose: 'p', owner: 'o', retentionDays: 1, access: ['analyst'] as const };
const cohortMax = 65_535;
const groups = ['basic', 'extra'].map((name) => ({ name, purpose: 'p', essential: false }));

interface Limits {
  readonly countMax: number;
  readonly sumSteps: number;
  readonly meanMin: number;
}

function manifestOf({ countMax, sumSteps, meanMin }: Limits): Manifest {
  const metrics: Metric[] = [
    { ...about, group: 'extra', name: 'clicks', kind: 'count', max: countMax },
    { ...about, group: 'basic', name: 'on', kind: 'flag' },
    { ...about, group: 'extra', name: 'version', kind: 'category', categories: ['a', 'b'] },
    {
      ...about,
      group: 'basic',
      name: 'disk',
      kind: 'sum',
      min: '0',
      max: String(sumSteps / 4),
      resolution: '0.25',
      unit: 'MB',
    },
    {
      ...about,
      group: 'extra',
      name: 'heat',
      kind: 'mean',
      min: String(meanMin),
      max: String(meanMin + 100),
      resolution: '0.5',
      unit: 'C',
    },
    {
      ...about,
      group: 'basic',
      name: 'start',
      kind: 'histogram',
      edges: ['-5', '0', '2.5', '9'],
      unit: 's',
    },
  ];
  return parseManifest({
    ...vectors.manifest,
    cohort: { min: 3, target: 3, max: cohortMax },
    minSurvivors: 2,
    minRespondents: 1,
    groups,
    metrics,
  });
}

interface Device {
  readonly basic: boolean;
  readonly extra: boolean;
  readonly on: boolean | undefined;
  readonly clicks: readonly number[];
  readonly version: string | undefined;
  /** Quarters. */
  readonly disk: readonly number[];
  /** Halves. */
  readonly heat: number | undefined;
  /** Quarters. */
  readonly start: number | undefined;
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const device: fc.Arbitrary<Device> = fc.record({
  basic: fc.boolean(),
  extra: fc.boolean(),
  on: maybe(fc.boolean()),
  clicks: fc.array(fc.oneof(fc.nat(20), fc.nat(2 ** 38)), { maxLength: 3 }),
  version: maybe(fc.constantFrom('a', 'b', 'c', 'other', '')),
  disk: fc.array(fc.oneof(fc.integer({ min: -20, max: 80 }), fc.nat(2 ** 38)), { maxLength: 3 }),
  heat: maybe(fc.integer({ min: -400, max: 400 })),
  start: maybe(fc.integer({ min: -60, max: 60 })),
});
// Around the size from which values are split into limbs, and up to the largest that may be.
const limits = fc.record({
  countMax: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 65_530, max: 2 ** 37 })),
  sumSteps: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 65_530, max: 2 ** 37 })),
  meanMin: fc.integer({ min: -150, max: 50 }),
});

function recorded(manifest: Manifest, d: Device): Map<string, RecordedValue> {
  const values = new Map<string, RecordedValue>();
  const record = (name: string, value: unknown) =>
    values.set(name, accumulate(findMetric(manifest, name), values.get(name), value));
  if (d.on !== undefined) record('on', d.on);
  for (const clicks of d.clicks) record('clicks', clicks);
  if (d.version !== undefined) record('version', d.version);
  for (const disk of d.disk) record('disk', disk / 4);
  if (d.heat !== undefined) record('heat', d.heat / 2);
  if (d.start !== undefined) record('start', d.start / 4);
  return values;
}

const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const clip = (x: number, min: number, max: number) => Math.min(Math.max(x, min), max);
const exactly = (value: number) => ({ value, standardError: 0, interval: [value, value] });
const ratio = (x: number, count: number) => exactly(x / count + 0);
/** Nobody is fewer than one. */
const shown = (kind: string, reported: number, result: object) =>
  reported === 0
    ? { kind, suppressed: { reason: 'too-few-respondents', required: 1 } }
    : { kind, ...result, reported: exactly(reported) };
const present = <T>(values: readonly (T | undefined)[]) =>
  values.filter((value): value is T => value !== undefined);

function direct(fleet: readonly Device[], { countMax, sumSteps, meanMin }: Limits) {
  const basic = fleet.filter((d) => d.basic);
  const extra = fleet.filter((d) => d.extra);
  const on = present(basic.map((d) => d.on));
  const clicks = extra.filter((d) => d.clicks.length > 0).map((d) => total(d.clicks));
  const versions = present(extra.map((d) => d.version));
  const disk = basic.filter((d) => d.disk.length > 0).map((d) => total(d.disk));
  const heat = present(extra.map((d) => d.heat));
  const start = present(basic.map((d) => d.start)).map((quarters) => quarters / 4);
  const count = (test: (x: number) => boolean) => start.filter(test).length;
  const clicksTotal = total(clicks.map((x) => clip(x, 0, countMax)));
  const diskTotal = total(disk.map((x) => clip(x, 0, sumSteps))) / 4;
  const heatTotal = total(heat.map((x) => clip(x, 2 * meanMin, 2 * meanMin + 200))) / 2;
  const group = (respondents: number) =>
    respondents === 0
      ? { suppressed: { reason: 'too-few-respondents', required: 1 } }
      : {
          respondents: exactly(respondents),
          optOutRate: ratio(fleet.length - respondents, fleet.length),
        };
  const named = (name: string, is: (v: string) => boolean) => {
    const among = versions.filter(is).length;
    return { name, count: exactly(among), share: ratio(among, versions.length) };
  };
  return {
    survivors: fleet.length,
    groups: { basic: group(basic.length), extra: group(extra.length) },
    metrics: {
      clicks: shown('count', clicks.length, {
        total: exactly(clicksTotal),
        mean: ratio(clicksTotal, clicks.length),
        clipped: exactly(clicks.filter((x) => x > countMax).length),
      }),
      on: shown('flag', on.length, {
        yes: exactly(on.filter(Boolean).length),
        share: ratio(on.filter(Boolean).length, on.length),
      }),
      version: shown('category', versions.length, {
        categories: [
          named('a', (v) => v === 'a'),
          named('b', (v) => v === 'b'),
          named('other', (v) => v !== 'a' && v !== 'b'),
        ],
      }),
      disk: shown('sum', disk.length, {
        total: exactly(diskTotal),
        mean: ratio(diskTotal, disk.length),
        clipped: exactly(disk.filter((x) => x < 0 || x > sumSteps).length),
        unit: 'MB',
      }),
      heat: shown('mean', heat.length, {
        total: exactly(heatTotal),
        mean: ratio(heatTotal, heat.length),
        clipped: exactly(heat.filter((x) => x < 2 * meanMin || x > 2 * meanMin + 200).length),
        unit: 'C',
      }),
      start: shown('histogram', start.length, {
        buckets: [
          { from: -5, to: 0, count: exactly(count((x) => x < 0)) },
          { from: 0, to: 2.5, count: exactly(count((x) => x >= 0 && x < 2.5)) },
          { from: 2.5, to: 9, count: exactly(count((x) => x >= 2.5)) },
        ],
        clipped: exactly(count((x) => x < -5 || x > 9)),
        unit: 's',
      }),
    },
    implausible: [],
  };
}

test('encode, add, estimate equals direct computation, with opt-outs, gaps and limbs', () => {
  fc.assert(
    fc.property(fc.array(device, { minLength: 1, maxLength: 12 }), limits, (fleet, limit) => {
      const manifest = manifestOf(limit);
      const layout = compileLayout(manifest);
      const ring = new Uint32Array(layout.lanes.length);
      for (const d of fleet) {
        const lanes = encodeLanes({ manifest, layout }, recorded(manifest, d), (group) =>
          group === 'basic' ? d.basic : d.extra,
        );
        layout.lanes.forEach((lane, i) => {
          expect(lanes[i]).toBeLessThanOrEqual(lane.bound);
          ring[i]! += lanes[i]!;
        });
      }
      const sums = layout.lanes.map((lane, i) => decodeLane(ring[i]!, lane));
      const participation = { devices: fleet.length, survivors: fleet.length };
      const result = estimateTotals(manifest, layout, sums, participation);
      expect(result).toEqual(direct(fleet, limit));
    }),
    { numRuns: 200 },
  );
});

test('a full cohort in which every device sends every bound does not wrap', () => {
  fc.assert(
    fc.property(limits, (limit) => {
      const manifest = manifestOf(limit);
      const layout = compileLayout(manifest);
      const values = new Map<string, RecordedValue>([
        ['clicks', limit.countMax],
        ['disk', limit.sumSteps / 4],
        ['heat', limit.meanMin + 100],
      ]);
      const lanes = encodeLanes({ manifest, layout }, values, () => true);
      // What 65,535 additions modulo 2^w leave.
      const sums = layout.lanes.map((lane, i) =>
        decodeLane(Number(BigInt.asUintN(lane.width, BigInt(lanes[i]!) * BigInt(cohortMax))), lane),
      );
      const participation = { devices: cohortMax, survivors: cohortMax };
      const { metrics } = estimateTotals(manifest, layout, sums, participation);
      expect(metrics['clicks']).toMatchObject({
        total: exactly(limit.countMax * cohortMax),
      });
      expect(metrics['disk']).toMatchObject({
        total: exactly((limit.sumSteps * cohortMax) / 4),
      });
      expect(metrics['heat']).toMatchObject({
        mean: exactly(limit.meanMin + 100),
        clipped: exactly(0),
      });
    }),
  );
});
