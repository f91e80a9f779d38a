import {
  compileLayout,
  decodeLane,
  type Manifest,
  type Metric,
  noiseShares,
  noiseVariance,
} from '@onlysum/task';
import { describe, expect, it, test } from 'vitest';
import { LAPLACE, SKELLAM, everyKind, withNoise } from '../test/every-kind.js';
import { headlineOf } from './expected-error.js';
import { noiseWarnings, reportNoise } from './noise-report.js';

const report = (manifest: Manifest) => {
  const made = reportNoise(manifest, compileLayout(manifest));
  if (made === undefined) throw new Error('expected noise');
  return made;
};
const errorOf = (manifest: Manifest, name: string, devices: number) =>
  report(manifest)
    .metrics.find(({ metric }) => metric === name)
    ?.errors.find((each) => each.devices === devices)?.headline;

describe('reportNoise', () => {
  it('is nothing without noise', () => {
    expect(reportNoise(everyKind, compileLayout(everyKind))).toBe(undefined);
  });

  it.each([SKELLAM, LAPLACE])('shows each block with its noise: $mechanism', (privacy) => {
    const manifest = withNoise(privacy);
    const { blocks } = report(manifest);
    const { lanes } = compileLayout(manifest);
    expect(blocks.reduce((sum, block) => sum + block.lanes, 0)).toBe(lanes.length);
    for (const [name, label] of [
      ['written_mib.value', 'written_mib.value'],
      ['channel', 'channel.category[beta]'],
    ] as const) {
      const block = blocks.find((each) => each.name === name)!;
      const honest = Math.sqrt(noiseVariance(lanes.find((lane) => lane.label === label)!.noise!));
      // Shares are those of the smallest cohort: min − ⌊0.2·min⌋ − ⌈0.05·min⌉ of them make the whole.
      expect(block.deviation.honest).toBeCloseTo(honest, 9);
      expect(block.deviation.target).toBeCloseTo(
        honest * Math.sqrt(1000 / noiseShares(manifest)),
        9,
      );
    }
    const [value, category] = ['written_mib.value', 'channel'].map(
      (name) => blocks.find((block) => block.name === name)!,
    );
    expect([value!.l1, value!.l2]).toEqual([1024, 1024]);
    expect([category!.l1, category!.l2]).toEqual(
      privacy.mechanism === 'skellam' ? [1, 1] : [2, Math.SQRT2],
    );
  });

  it('adds up cohorts beyond the largest, and knows no sum of fewer than the smallest', () => {
    const manifest = withNoise(SKELLAM);
    expect(errorOf(manifest, 'active', 100)).toBe(undefined);
    const [one, ten] = [1000, 10_000].map((devices) => errorOf(manifest, 'active', devices)!);
    expect(ten!.error).toBeCloseTo(one!.error / Math.sqrt(10), 9);
    const [sum, sums] = [1000, 10_000].map((devices) => errorOf(manifest, 'written_mib', devices)!);
    expect(sums!.error).toBeCloseTo(sum!.error * Math.sqrt(10), 6);
    expect(sums!.range).toBe(10 * sum!.range);
    expect(report(manifest).metrics[0]?.errors).toMatchObject([
      { devices: 100, cohorts: 0 },
      { devices: 1000, cohorts: 1, cohortSize: 1000 },
      { devices: 10_000, cohorts: 10, cohortSize: 1000 },
    ]);
  });

  it('counts the windows that the budget pays for', () => {
    expect(report(withNoise(LAPLACE)).budget).toMatchObject({ windowsInDays: 30, windowsPaid: 8 });
    const budget = { epsilon: '1', delta: '0', days: 7 };
    const paid = (epsilon: string) =>
      report(withNoise({ ...LAPLACE, epsilon, budget } as never)).budget.windowsPaid;
    expect(paid('1')).toBe(1);
    expect(paid('0.1')).toBe(10);
    expect(paid('0.3')).toBe(3);
    expect(paid('0.05')).toBe(20);
    const { windowsPaid } = report(withNoise(SKELLAM)).budget;
    // More than the eight of adding ε up, as their noise is accounted together.
    expect(windowsPaid).toBeGreaterThan(8);
  });
});

describe('noiseWarnings', () => {
  const warnings = (manifest: Manifest) => noiseWarnings(report(manifest), manifest);

  it('has none where results are of use', () => {
    const budget = { epsilon: '30', delta: '0.0001', days: 30 };
    expect(warnings(withNoise({ ...SKELLAM, budget } as never))).toEqual([]);
  });

  it('names metrics and groups that noise drowns, and a budget that ends early', () => {
    const few = {
      ...withNoise({ ...SKELLAM, epsilon: '0.1' } as never),
      cohort: { min: 20, target: 30, max: 30 },
      minSurvivors: 10,
    };
    const text = warnings(few).join('\n');
    for (const { name } of everyKind.metrics) expect(text).toContain(`${name} is useless`);
    expect(text).toContain(
      'how many give performance is useless in a cohort of cohort.target (30)',
    );
    expect(text).toContain('more than half of its range');
    const laplace = warnings(withNoise(LAPLACE)).at(-1);
    expect(laplace).toContain('privacy.budget pays for 8 of the 30 windows in 30 days');
  });
});

/** Standard normal numbers, always the same. */
function normals(): () => number {
  let state = 12_345;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** What the number is, from sums of lanes: the first of a role, or all. */
function numberOf(metric: Metric, all: (role: string) => readonly number[]): number {
  const [value = 0, square = 0, reported = 1] = ['value', 'square', 'reported'].map(
    (r) => all(r)[0],
  );
  const part = (role: string, some: number) => {
    const counts = all(role);
    const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
    return (100 * sum(counts.slice(0, some))) / sum(counts);
  };
  switch (metric.kind) {
    case 'flag':
      return (100 * value) / reported;
    case 'multi-select':
      return (100 * all('option')[0]!) / reported;
    case 'category':
    case 'top-k':
      return part('category', 1);
    case 'cross-tabulation':
      return part('cell', 1);
    case 'histogram':
      return part('bucket', 1);
    case 'distribution':
      return part('bucket', Math.floor(all('bucket').length / 2));
    case 'count':
      return value / reported;
    case 'sum':
      return Number(metric.min) * reported + Number(metric.resolution) * value;
    case 'mean':
      return Number(metric.min) + (Number(metric.resolution) * value) / reported;
    case 'variance': {
      const centre = (Number(metric.max) - Number(metric.min)) / Number(metric.resolution) / 2;
      const step = Number(metric.resolution) ** 2;
      return step * (square / reported - (value / reported - centre) ** 2);
    }
  }
}

/** Sums of n devices in the middle of everything. */
function middle(metric: Metric, role: string, bound: number, lanes: number, n: number): number {
  if (role === 'reported') return n;
  if (role === 'clipped') return 0;
  if (role === 'square') return (n * 4 * bound) / 12;
  if (role === 'value' || metric.kind === 'multi-select') return (n * bound) / 2;
  return n / lanes;
}

test.each(everyKind.metrics.map((metric): Metric => metric))(
  'the error of a $kind is how far its number scatters',
  (metric) => {
    const manifest = withNoise({ ...SKELLAM, epsilon: '4' } as never);
    const layout = compileLayout(manifest);
    const n = 1000;
    const own = layout.lanes.filter((lane) => lane.metric === metric.name);
    const next = normals();
    const draws = Array.from({ length: 4000 }, () => {
      const sums = own.map((lane) => {
        const lanes = own.filter(({ role }) => role === lane.role).length;
        const noise = Math.round(next() * Math.sqrt(noiseVariance(lane.noise!) * (n / 750)));
        const sum = Math.round(middle(metric, lane.role, lane.bound, lanes, n)) + noise;
        return {
          role: lane.role,
          sum: decodeLane((sum + 2 ** lane.width) % 2 ** lane.width, lane),
        };
      });
      return numberOf(metric, (role) => sums.filter((s) => s.role === role).map(({ sum }) => sum));
    });
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const scatter = Math.sqrt(draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length);
    const headline = headlineOf(metric, layout, { devices: n, surplus: n / 750 });
    expect(scatter / headline!.error).toBeGreaterThan(0.9);
    expect(scatter / headline!.error).toBeLessThan(1.1);
  },
);
