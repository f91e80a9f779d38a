/**
 * Estimates of sums with noise, many times over: unbiased, with the standard errors that they state, in
 * intervals that hold the truth as often as they say. Seeds are fixed, so what passes once passes always.
 * The noise is drawn here, from its definition: what devices draw has tests of its own.
 */
import { unsafeSeededRng } from '@onlysum/crypto';
import { compileLayout, type Lane, type Manifest, type Privacy } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import { DEVICES, everyKind } from '../../../test/metrics/every-kind.js';
import { type Device, sumOf } from '../../../test/metrics/sum.js';
import { estimateTotals, type WindowResult } from './estimate.js';
import type { Estimate, RatioEstimate } from './estimated.js';
import type { QuantileEstimate } from './metric-result.js';

const TRIALS = 3000;
const budget = { epsilon: '999', delta: '0.1', days: 1 };
const skellam: Privacy = {
  mechanism: 'skellam',
  epsilon: '12',
  delta: '0.000001',
  neighbours: 'replace',
  budget,
};
const laplace: Privacy = {
  mechanism: 'discrete-laplace',
  epsilon: '15',
  neighbours: 'replace',
  budget,
};

/** All kinds of values; `a` and `b` are clearly the most frequent models. */
const fleet = Array.from({ length: DEVICES }, (_, i): Device => {
  const wave = 50 + 40 * Math.sin(i * 1.7);
  return {
    values: {
      licensed: i % 3 !== 0,
      version: ['1.0', '1.1', '2.0', '3.0'][i % 4],
      os: ['linux', 'windows', 'windows', 'plan9', 'linux'][i % 5],
      model: ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', 'x'][i % 9],
      features: [['sync'], ['sync', 'print'], ['export', 'search', 'print']][i % 3],
      crashes: i % 23,
      disk: wave / 3,
      heat: wave - 30,
      load: wave / 20,
      start: wave / 10 - 2,
      latency: Math.exp(wave / 20),
    },
    ...(i % 10 === 0 ? { declines: 'extra' } : {}),
  };
});
const plain = sumOf(everyKind(), fleet);
const all = { devices: DEVICES, survivors: DEVICES };
const truth = numbersOf(estimateTotals(everyKind(), compileLayout(everyKind()), plain, all));

/** As many as there are numbers in a result. */
interface Tally {
  trials: number;
  held: number;
  sum: number;
  squares: number;
  errors: number;
}

describe.each([
  ['Skellam', skellam],
  ['discrete Laplace', laplace],
])('%s noise', (name, privacy) => {
  const tallies = simulate(everyKind({ privacy }), name);

  test('every number of every kind is there', () => {
    expect([...tallies.keys()].toSorted()).toEqual([...truth.keys()].toSorted());
    expect(new Set([...tallies.keys()].map((path) => path.split('.')[0]))).toEqual(
      new Set(['groups', ...everyKind().metrics.map((metric) => metric.name)]),
    );
  });

  test('95 % intervals hold the truth 93 to 98 times of 100, at the ends of a range more often', () => {
    for (const [path, { trials, held }] of tallies) {
      const coverage = held / trials;
      expect(coverage, path).toBeGreaterThanOrEqual(0.93);
      // A quantile is sought on both sides by whole buckets; at an end noise can err to one side only.
      const value = truth.get(path)?.value ?? 0;
      const isConservative =
        path.includes('quantiles') ||
        [0, DEVICES].includes(value) ||
        path.startsWith('groups.basic');
      if (!isConservative) expect(coverage, path).toBeLessThanOrEqual(0.98);
    }
  });

  test('values are right on average, and as far off as their standard errors say', () => {
    for (const [path, { trials, sum, squares, errors }] of tallies) {
      if (path.includes('quantiles') || path === 'groups.basic.respondents') continue;
      const mean = sum / trials;
      const deviation = Math.sqrt(squares / trials - mean * mean);
      const bias = (mean - (truth.get(path)?.value ?? Number.NaN)) / deviation;
      // Those of ratios and roots is a small part of their error.
      const isLinear = /count|total|reported|clipped|yes|counts|other$|optOut/.test(path);
      expect(Math.abs(bias), path).toBeLessThan(isLinear ? 4 / Math.sqrt(trials) : 0.15);
      expect(errors / trials / deviation, path).toBeGreaterThan(0.93);
      expect(errors / trials / deviation, path).toBeLessThan(1.07);
    }
  });
});

function simulate(manifest: Manifest, seed: string): Map<string, Tally> {
  const layout = compileLayout(manifest);
  const uniform = uniforms(seed);
  const tallies = new Map<string, Tally>();
  for (let trial = 0; trial < TRIALS; trial++) {
    const noisy = layout.lanes.map((lane, i) => (plain[i] ?? 0) + draw(lane, uniform));
    for (const [path, estimate] of numbersOf(estimateTotals(manifest, layout, noisy, all))) {
      const tally = tallies.get(path) ?? { trials: 0, held: 0, sum: 0, squares: 0, errors: 0 };
      const [low, high] = estimate.interval;
      const value = truth.get(path)?.value ?? Number.NaN;
      tally.trials++;
      if (low - 1e-9 <= value && value <= high + 1e-9) tally.held++;
      tally.sum += estimate.value ?? Number.NaN;
      tally.squares += (estimate.value ?? Number.NaN) ** 2;
      if ('standardError' in estimate) tally.errors += estimate.standardError ?? Number.NaN;
      tallies.set(path, tally);
    }
  }
  return tallies;
}

type Estimated = Estimate | RatioEstimate | QuantileEstimate;

/** Every estimate in a result, by where it stands. */
function numbersOf({ groups, metrics }: WindowResult): Map<string, Estimated> {
  const found = new Map<string, Estimated>();
  const walk = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('interval' in value) {
      found.set(path, value as Estimated);
      return;
    }
    for (const [key, each] of Object.entries(value)) walk(`${path}.${key}`, each);
  };
  walk('groups', groups);
  for (const [name, result] of Object.entries(metrics)) walk(name, result);
  return found;
}

/** All survive and all are honest, so this is the whole target noise. */
function draw({ noise }: Lane, uniform: () => number): number {
  if (noise === undefined) throw new Error('expected a lane with noise');
  if (noise.mechanism === 'skellam') {
    // Near enough to normal: variances here are above 10.
    const deviation = Math.sqrt(
      Number(noise.variance.numerator) / Number(noise.variance.denominator),
    );
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    return Math.round(deviation * normal);
  }
  const rate = Number(noise.rate.numerator) / Number(noise.rate.denominator);
  const geometric = () => Math.floor(-Math.log(uniform()) / rate);
  return geometric() - geometric();
}

function uniforms(seed: string): () => number {
  const rng = unsafeSeededRng(seed);
  let words: Uint32Array = new Uint32Array(0);
  let at = 0;
  return () => {
    if (at === words.length) {
      words = new Uint32Array(rng(4 * 4096).buffer);
      at = 0;
    }
    return ((words[at++] ?? 0) + 0.5) / 2 ** 32;
  };
}
