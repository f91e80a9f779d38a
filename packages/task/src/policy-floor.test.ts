import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import type { Assumptions, Manifest } from './manifest.js';
import { parseManifest } from './parse-manifest.js';
import {
  checkManifestFloor,
  checkRosterFloor,
  DEFAULT_FLOOR,
  type PolicyFloor,
} from './policy-floor.js';
import { checkVersion } from './version-order.js';

const base = parseManifest(vectors.manifest);
const below = (field: string) => expect.objectContaining({ code: 'below-floor', field });

function manifestWith(
  cohort: Partial<Manifest['cohort']>,
  assumptions: Partial<Assumptions> = {},
): Manifest {
  return {
    ...base,
    cohort: { ...base.cohort, ...cohort },
    assumptions: { ...base.assumptions, ...assumptions },
  };
}

test('the default floor admits the example and the smallest cohort that hides anything', () => {
  checkManifestFloor(base, DEFAULT_FLOOR);
  // 3 − ⌊0.2·3⌋ − ⌈0.01·3⌉ = 2.
  checkManifestFloor(manifestWith({ min: 3 }), DEFAULT_FLOOR);
  checkRosterFloor({ n: 3, corrupt: 10, dropout: 200 }, DEFAULT_FLOOR);
  // … and the largest that was tried.
  checkManifestFloor(manifestWith({ max: 10_000 }), DEFAULT_FLOOR);
  checkRosterFloor({ n: 10_000, corrupt: 10, dropout: 200 }, DEFAULT_FLOOR);
});

test('n − D − A is checked at its boundary', () => {
  // 20 − 4 − 1 = 15 at cohort.min.
  checkManifestFloor(base, { ...DEFAULT_FLOOR, minHonest: 15 });
  expect(() => checkManifestFloor(base, { ...DEFAULT_FLOOR, minHonest: 16 })).toThrow(
    below('cohort.min'),
  );
  // 10 − ⌊0.4·10⌋ − ⌈0.4·10⌉ = 2.
  const roster = { n: 10, corrupt: 400, dropout: 400 };
  checkRosterFloor(roster, { ...DEFAULT_FLOOR, minHonest: 2 });
  expect(() => checkRosterFloor(roster, { ...DEFAULT_FLOOR, minHonest: 3 })).toThrow(
    below('roster'),
  );
});

test('every cohort size is checked, not only the ends', () => {
  // 4 − 1 − 1 = 2 and 7 − 2 − 2 = 3 would pass, but 5 − 2 − 2 = 1.
  const dipping = manifestWith({ min: 4, target: 4, max: 7 }, { corrupt: 250, dropout: 400 });
  expect(() => checkManifestFloor(dipping, DEFAULT_FLOOR)).toThrow(
    expect.objectContaining({ code: 'below-floor', message: expect.stringContaining('5 devices') }),
  );
});

test.each<[string, Manifest, string]>([
  ['cohort too large', manifestWith({ max: 10_001 }), 'cohort.max'],
  ['corrupt too small', manifestWith({}, { corrupt: 9 }), 'assumptions.corrupt'],
  ['population too small', manifestWith({}, { population: 999 }), 'assumptions.population'],
])('the default floor refuses a manifest: %s', (_, manifest, field) => {
  expect(() => checkManifestFloor(manifest, DEFAULT_FLOOR)).toThrow(below(field));
});

test('the default floor refuses a roster', () => {
  for (const roster of [
    { n: 10_001, corrupt: 10, dropout: 200 },
    { n: 100, corrupt: 9, dropout: 200 },
    { n: 2, corrupt: 10, dropout: 200 },
  ]) {
    expect(() => checkRosterFloor(roster, DEFAULT_FLOOR)).toThrow(below('roster'));
  }
});

test.each<Partial<PolicyFloor>>([{ maxEpsilon: '1' }, { maxDelta: '0.000001' }])(
  'a floor that asks for noise refuses a task without any: %o',
  (limit) => {
    expect(() => checkManifestFloor(base, { ...DEFAULT_FLOOR, ...limit })).toThrow(
      below('privacy.mechanism'),
    );
  },
);

const budget = { epsilon: '10', delta: '0.0001', days: 30 };
const skellam: Manifest['privacy'] = {
  mechanism: 'skellam',
  epsilon: '1.5',
  delta: '0.000001',
  neighbours: 'replace',
  budget,
};
const laplace: Manifest['privacy'] = {
  mechanism: 'discrete-laplace',
  epsilon: '1.5',
  neighbours: 'zero',
  budget,
};

test.each<[string, Manifest['privacy'], Partial<PolicyFloor>, string | undefined]>([
  ['ε at its limit', skellam, { maxEpsilon: '1.5' }, undefined],
  ['ε above it', skellam, { maxEpsilon: '1.499999999999' }, 'privacy.epsilon'],
  ['δ at its limit', skellam, { maxDelta: '0.000001' }, undefined],
  ['δ above it', skellam, { maxDelta: '0.0000009' }, 'privacy.delta'],
  ['ε of Laplace at its limit', laplace, { maxEpsilon: '1.5' }, undefined],
  ['ε of Laplace above it', laplace, { maxEpsilon: '1' }, 'privacy.epsilon'],
  ['Laplace, which has no δ', laplace, { maxDelta: '0' }, undefined],
  ['both limits, one exceeded', skellam, { maxEpsilon: '2', maxDelta: '0' }, 'privacy.delta'],
])('a floor limits what a window may cost: %s', (_, privacy, limits, field) => {
  const check = () => checkManifestFloor({ ...base, privacy }, { ...DEFAULT_FLOOR, ...limits });
  if (field === undefined) check();
  else expect(check).toThrow(below(field));
});

test.each<[Partial<Record<keyof PolicyFloor, unknown>>, string]>([
  [{ minHonest: 1 }, 'floor.minHonest'],
  [{ minHonest: Number.NaN }, 'floor.minHonest'],
  [{ minHonest: undefined }, 'floor.minHonest'],
  [{ maxDevices: 2 }, 'floor.maxDevices'],
  [{ minCorrupt: -1 }, 'floor.minCorrupt'],
  [{ minPopulation: '1000' }, 'floor.minPopulation'],
  [{ maxEpsilon: '-1' }, 'floor.maxEpsilon'],
  [{ maxEpsilon: 1 }, 'floor.maxEpsilon'],
  [{ maxDelta: '1e-6' }, 'floor.maxDelta'],
])('a floor that would check nothing is refused: %o', (change, field) => {
  const floor = { ...DEFAULT_FLOOR, ...change } as PolicyFloor;
  const refusal = expect.objectContaining({ code: 'argument-invalid', field });
  expect(() => checkManifestFloor(base, floor)).toThrow(refusal);
  expect(() => checkRosterFloor({ n: 50, corrupt: 10, dropout: 200 }, floor)).toThrow(refusal);
});

test('a version never goes back', () => {
  checkVersion(base, undefined);
  checkVersion(base, base.version);
  checkVersion(base, base.version - 1);
  expect(() => checkVersion(base, base.version + 1)).toThrow(
    expect.objectContaining({ code: 'manifest-rollback', field: 'version' }),
  );
});
