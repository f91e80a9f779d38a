/**
 * The theorem of metrics.property.test.ts for the kinds that are made of many lanes: what is estimated
 * without noise is the plain statistic of the values, as far as their encoding tells them apart.
 */
import { compileLayout, type Manifest } from '@onlysum/task';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { sumOf } from '../../../test/metrics/sum.js';
import { estimateTotals } from './estimate.js';
import { quantiles } from './estimate-distribution.js';
import type { MetricResult } from './metric-result.js';

const manifest = everyKind();
const exactly = (value: number) => ({ value, standardError: 0, interval: [value, value] });

/** Every device reports. */
function estimated(name: string, values: readonly Record<string, number | string | string[]>[]) {
  const result = resultOf(manifest, values)[name];
  if (result === undefined || 'suppressed' in result) throw new Error(`no result of ${name}`);
  return result;
}

function resultOf(task: Manifest, values: readonly Record<string, number | string | string[]>[]) {
  const participation = { devices: values.length, survivors: values.length };
  const sums = sumOf(
    task,
    values.map((each) => ({ values: each })),
  );
  return estimateTotals(task, compileLayout(task), sums, participation).metrics;
}

const fleetOf = <T>(device: fc.Arbitrary<T>) => fc.array(device, { minLength: 1, maxLength: 300 });
const categories = fc.constantFrom('1.0', '1.1', '2.0', 'other', '3.0');

test('variance and standard deviation are those of the sample', () => {
  fc.assert(
    fc.property(fleetOf(fc.integer({ min: -6, max: 20 })), (halves) => {
      const result = estimated(
        'load',
        halves.map((x) => ({ load: x / 2 })),
      );
      const kept = halves.map((x) => Math.min(Math.max(x, -4), 16) / 2);
      const mean = kept.reduce((a, b) => a + b) / kept.length;
      const squares = kept.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      const { variance, standardDeviation, ...rest } = of('variance', result);
      expect(rest).toMatchObject({
        mean: exactly(mean + 0),
        reported: exactly(halves.length),
        clipped: exactly(halves.filter((x) => x < -4 || x > 16).length),
      });
      if (halves.length === 1) {
        expect(variance).toEqual({ value: null, standardError: null, interval: [0, 50] });
        return;
      }
      expect(variance.value).toBeCloseTo(squares / (kept.length - 1), 9);
      expect(standardDeviation.value).toBeCloseTo(Math.sqrt(squares / (kept.length - 1)), 9);
      expect(variance).toEqual(exactly(variance.value ?? Number.NaN));
      expect(standardDeviation).toEqual(exactly(standardDeviation.value ?? Number.NaN));
    }),
  );
});

test('selections count up to the most that a device may have', () => {
  const options = ['sync', 'export', 'search', 'print', 'other'];
  fc.assert(
    fc.property(fleetOf(fc.subarray(options)), (fleet) => {
      const result = of(
        'multi-select',
        estimated(
          'features',
          fleet.map((features) => ({ features })),
        ),
      );
      const kept = fleet.map((chosen) => options.filter((o) => chosen.includes(o)).slice(0, 2));
      expect(result.options).toEqual(
        options.map((name) => {
          const count = kept.filter((chosen) => chosen.includes(name)).length;
          return { name, count: exactly(count), share: exactly(count / fleet.length) };
        }),
      );
      expect(result.reported).toEqual(exactly(fleet.length));
      expect(result.clipped).toEqual(exactly(fleet.filter(({ length }) => length > 2).length));
    }),
  );
});

test('a cross-tabulation counts pairs, and only those whose halves were both reported', () => {
  const device = fc.record(
    { version: categories, os: fc.constantFrom('linux', 'windows', 'plan9') },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fleetOf(device), (fleet) => {
      const result = resultOf(manifest, fleet)['pair'];
      const pairs = fleet.filter((d) => d.version !== undefined && d.os !== undefined);
      if (pairs.length === 0) {
        expect(result).toHaveProperty('suppressed');
        return;
      }
      const listed = (name: string | undefined, names: string[]) =>
        name !== undefined && names.includes(name) ? name : 'other';
      const [rows, columns] = [
        ['1.0', '1.1', '2.0', 'other'],
        ['linux', 'windows', 'other'],
      ];
      expect(result).toEqual({
        kind: 'cross-tabulation',
        rows,
        columns,
        counts: rows.map((row) =>
          columns.map((column) =>
            exactly(
              pairs.filter(
                (d) => listed(d.version, rows) === row && listed(d.os, columns) === column,
              ).length,
            ),
          ),
        ),
        reported: exactly(pairs.length),
      });
    }),
  );
});

test('the top k are the most frequent, ties are not certain, all the rest is other', () => {
  const candidates = ['a', 'b', 'c', 'd', 'e'];
  fc.assert(
    fc.property(fleetOf(fc.constantFrom(...candidates, 'rare', 'other')), (fleet) => {
      const result = of(
        'top-k',
        estimated(
          'model',
          fleet.map((model) => ({ model })),
        ),
      );
      const frequency = (name: string) => fleet.filter((model) => model === name).length;
      const sorted = [...candidates].sort((a, b) => frequency(b) - frequency(a));
      expect(result.top).toEqual(
        sorted.slice(0, 2).map((name, i) => ({
          name,
          rank: i + 1,
          count: exactly(frequency(name)),
          share: exactly(frequency(name) / fleet.length),
          certain: candidates.every((c) => c === name || frequency(c) !== frequency(name)),
        })),
      );
      const top = sorted.slice(0, 2).reduce((sum, name) => sum + frequency(name), 0);
      expect(result.other).toEqual(exactly(fleet.length - top));
      expect(result.otherShare).toEqual(exactly((fleet.length - top) / fleet.length));
      expect(result.reported).toEqual(exactly(fleet.length));
    }),
  );
});

test('quantiles are right up to the relative error, and their interval is the bucket', () => {
  const value = fc.double({ min: 1, max: 500, noNaN: true });
  const asked = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
  fc.assert(
    fc.property(fleetOf(value), asked, (fleet, others) => {
      const result = of(
        'distribution',
        estimated(
          'latency',
          fleet.map((latency) => ({ latency })),
        ),
      );
      const sorted = [...fleet].sort((a, b) => a - b);
      const found = [...result.quantiles, ...quantiles(result, [0, ...others, 1])];
      expect(result.quantiles.map(({ quantile }) => quantile)).toEqual([0.5, 0.9, 0.99]);
      for (const { quantile, value: estimate, interval, relativeError } of found) {
        const exact = sorted[Math.floor(quantile * (sorted.length - 1))]!;
        expect(relativeError).toBe(0.2);
        expect(Math.abs(estimate! - exact) / exact).toBeLessThanOrEqual(0.2 + 1e-9);
        expect(exact).toBeGreaterThanOrEqual(interval[0]);
        expect(exact).toBeLessThanOrEqual(interval[1]);
        expect(interval[1] / interval[0]).toBeLessThanOrEqual(1.5 + 1e-9);
      }
      expect(result.buckets.reduce((sum, { count }) => sum + count.value, 0)).toBe(fleet.length);
    }),
  );
});

test('below min a quantile is known to be so, and no more; above max it is clipped', () => {
  const latency = (...values: number[]) =>
    of(
      'distribution',
      estimated(
        'latency',
        values.map((each) => ({ latency: each })),
      ),
    );
  const [median, , last] = latency(0, -3, 0.99, 501, 1e9).quantiles;
  expect(median).toEqual({ quantile: 0.5, value: 0.5, relativeError: null, interval: [0, 1] });
  expect(last?.interval[1]).toBe(500);
  expect(latency(0, 501, 1e9)).toMatchObject({ reported: exactly(3), clipped: exactly(2) });
  for (const quantile of [-0.1, 1.1, Number.NaN]) {
    expect(() => quantiles(latency(1), [0.5, quantile])).toThrow(
      expect.objectContaining({ code: 'argument-invalid', field: 'quantiles[1]' }),
    );
  }
});

function of<K extends MetricResult['kind']>(kind: K, result: MetricResult) {
  if (result.kind !== kind) throw new Error(`expected ${kind}, got ${result.kind}`);
  return result as Extract<MetricResult, { kind: K }>;
}
