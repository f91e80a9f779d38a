import type { Manifest } from '@onlysum/task';
import { describe, expect, it } from 'vitest';
import { reportManifest } from './manifest-report.js';
import { manifestTemplate } from './manifest-template.js';

const NOW_MS = Date.UTC(2030, 0, 15, 12);
const DAY_MS = 86_400_000;
const KEYS = {
  publisher: 'aa'.repeat(32),
  registrar: 'bb'.repeat(32),
  coordinator: 'cc'.repeat(32),
};
const template = manifestTemplate(KEYS, 'ws://127.0.0.1:8787', NOW_MS);
const large: Manifest = {
  ...template,
  coordinator: { ...template.coordinator, url: 'wss://sum.example.org' },
  cohort: { min: 500, target: 1000, max: 1000 },
  assumptions: { corrupt: 50, dropout: 200, population: 1000 },
};

function warningsOf(manifest: Manifest, enrolled = 1000): readonly string[] {
  return reportManifest(manifest, enrolled, NOW_MS).warnings;
}

const NO_NOISE = expect.stringContaining('privacy.mechanism');

describe('reportManifest', () => {
  it('computes the parameters of the three sizes by hand-checked values', () => {
    const { cohort, lanes, vectorBytes, problems } = reportManifest(template, 3, NOW_MS);
    expect(cohort).toEqual([
      { at: 'min', n: 3, graph: 'complete', k: 2, t: 2, corrupt: 1, dropout: 0, smallestHonest: 2 },
      {
        at: 'target',
        n: 3,
        graph: 'complete',
        k: 2,
        t: 2,
        corrupt: 1,
        dropout: 0,
        smallestHonest: 2,
      },
      {
        at: 'max',
        n: 50,
        graph: 'complete',
        k: 49,
        t: 25,
        corrupt: 3,
        dropout: 10,
        smallestHonest: 37,
      },
    ]);
    expect(lanes.at(-1)).toMatchObject({ label: 'startup_ms.clipped', bound: 1, width: 6 });
    // ⌈bits / 8⌉: lanes of up to 50 · 1 take 6 bits, values of 100, 8192 and 16384 take 13, 19, 20.
    expect(lanes).toHaveLength(45);
    expect(vectorBytes).toBe(Math.ceil((42 * 6 + 13 + 19 + 20) / 8));
    expect(problems).toEqual([]);
  });

  it("tolerates the share of colluders that the design's example gives", () => {
    const { population } = reportManifest(large, 300_000, NOW_MS);
    expect(population.pools).toBe(100);
    expect(population.promised).toBe(1000);
    // About 0.37 % with γ = 5 %, n = max = 1000 and 300,000 enrolled.
    expect(population.toleratedAtTarget).toBeGreaterThan(3500);
    expect(population.toleratedAtTarget).toBeLessThan(3900);
    expect(population.toleratedAtMin).toBeLessThan(population.toleratedAtTarget);
  });

  it('has nothing to warn of but the missing noise where all is well', () => {
    expect(warningsOf(large)).toEqual([NO_NOISE]);
  });

  it('says once what holds for min and target alike, and nothing where one may drop', () => {
    const one = (minSurvivors: number) =>
      warningsOf({ ...large, cohort: { ...large.cohort, min: 1000 }, minSurvivors });
    expect(one(999)).toEqual([NO_NOISE]);
    expect(one(1000)).toEqual([expect.stringContaining('as soon as one drops'), NO_NOISE]);
  });

  it.each<[string, Manifest, string]>([
    ['few devices', { ...large, cohort: { ...large.cohort, min: 9 } }, 'cohort.min is 9'],
    [
      'no dropout at min',
      { ...large, assumptions: { ...large.assumptions, dropout: 1 } },
      'cohort.min (500) devices ends without a result as soon as one drops: raise assumptions.dropout',
    ],
    [
      'no dropout at min for minSurvivors',
      { ...large, minSurvivors: 500 },
      'cohort.min (500) devices ends without a result as soon as one drops: minSurvivors is 500',
    ],
    [
      'no dropout at target',
      { ...large, assumptions: { ...large.assumptions, dropout: 0 } },
      'cohort.target (1000) devices ends without a result as soon as one drops',
    ],
    [
      'an address of this machine',
      { ...large, coordinator: template.coordinator },
      'coordinator.url',
    ],
    [
      'a promise too high',
      { ...large, assumptions: { ...large.assumptions, population: 900_000 } },
      'rosters of cohort.min are refused',
    ],
    [
      'below the default floor',
      { ...large, assumptions: { ...large.assumptions, corrupt: 5 } },
      'default policy floor',
    ],
    [
      'a validity that has ended',
      { ...large, validity: { notBeforeMs: 0, notAfterMs: NOW_MS } },
      'validity ended on 2030-01-15',
    ],
    [
      'a validity to come',
      { ...large, validity: { notBeforeMs: NOW_MS + DAY_MS, notAfterMs: NOW_MS + 99 * DAY_MS } },
      'validity begins on 2030-01-16',
    ],
    [
      'a validity that ends soon',
      { ...large, validity: { notBeforeMs: 0, notAfterMs: NOW_MS + 5 * DAY_MS } },
      'ends in 5 days',
    ],
  ])('warns of %s', (_, manifest, warning) => {
    expect(warningsOf(manifest)).toContainEqual(expect.stringContaining(warning));
  });

  it('warns of limbs, once a metric', () => {
    const wide = template.metrics.map((metric) =>
      metric.kind === 'count' ? { ...metric, max: 2 ** 40 } : metric,
    );
    const warnings = warningsOf({ ...large, metrics: wide });
    expect(warnings.filter((text) => text.includes('crashes is split'))).toHaveLength(1);
  });

  it('reports sizes at which no round is safe as a problem', () => {
    const assumptions = { ...large.assumptions, dropout: 600 };
    const { problems, cohort } = reportManifest({ ...large, assumptions }, 1000, NOW_MS);
    expect(problems).toEqual([
      expect.stringMatching(/^19 of 19 cohort sizes tried \(of 501\).* 500 devices/),
    ]);
    expect(cohort.map((row) => row.t)).toEqual([undefined, undefined, undefined]);
  });

  it('tries min, target, max and a bounded number of sizes between, whatever the range', () => {
    const triedFor = (min: number, target: number, max: number) =>
      reportManifest({ ...large, cohort: { min, target, max } }, 300_000, NOW_MS).sizesTried;
    expect(triedFor(50, 50, 50)).toBe(1);
    expect(triedFor(50, 52, 60)).toBe(11);
    // 19 from end to end, and the target, which is none of them.
    expect(triedFor(100, 501, 1900)).toBe(20);
  });

  it('has tables for large cohorts, and says where a complete graph would be too large', () => {
    const huge = { ...large, cohort: { min: 500, target: 1200, max: 3000 } };
    const { cohort, problems } = reportManifest(huge, 300_000, NOW_MS);
    expect(problems).toEqual([]);
    expect(cohort.map((row) => row.graph)).toEqual(['tables', 'tables', 'tables']);
    expect(cohort[0]?.k).toBeLessThan(125);
    const many = { ...huge, assumptions: { corrupt: 300, dropout: 350, population: 1000 } };
    const refused = reportManifest(many, 300_000, NOW_MS);
    expect(refused.cohort.map((row) => row.graph)).toEqual(['complete', undefined, undefined]);
    expect(refused.problems).toEqual([expect.stringContaining('at most 1000 devices')]);
  });
});
