import { type Manifest, parseManifest } from '@onlysum/task';
import { describe, expect, it, test } from 'vitest';
import { LAPLACE, SKELLAM, everyKind, withNoise } from '../test/every-kind.js';
import type { Effect } from './change.js';
import { checkVersionRaised, compareManifests } from './manifest-diff.js';

type Json = { [key: string]: Json } & Json[];

/** A copy with the value at a path of names and places replaced. */
function edited(manifest: Manifest, path: string, value: unknown): Manifest {
  const copy = JSON.parse(JSON.stringify(manifest)) as Json;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = copy;
  for (const key of keys) {
    const named = Array.isArray(at)
      ? at.find((each) => each['name'] === (key as never))
      : undefined;
    at = (named ?? at[key]) as Json;
  }
  at[last] = value as Json;
  return parseManifest(copy);
}

const noisy = withNoise(SKELLAM);
const metric = { ...everyKind.metrics[0], name: 'more' };

/** Each way round: what widens one way must narrow the other, unless it is said to be otherwise. */
const CASES: readonly (readonly [string, Manifest, string, unknown, Effect, Effect])[] = [
  ['name', everyKind, 'name', 'other-app', 'widens', 'widens'],
  ['version', everyKind, 'version', 4, 'neutral', 'neutral'],
  ['publisher', everyKind, 'publisher', 'dd'.repeat(32), 'widens', 'widens'],
  ['registrar', everyKind, 'registrar', 'dd'.repeat(32), 'widens', 'widens'],
  ['coordinator.key', everyKind, 'coordinator.key', 'dd'.repeat(32), 'widens', 'widens'],
  ['coordinator.url', everyKind, 'coordinator.url', 'wss://a.example', 'widens', 'widens'],
  ['window.lengthMs', everyKind, 'window.lengthMs', 43_200_000, 'widens', 'narrows'],
  ['epoch.lengthMs', everyKind, 'epoch.lengthMs', 1_209_600_000, 'widens', 'narrows'],
  ['cohort.min', everyKind, 'cohort.min', 499, 'widens', 'narrows'],
  ['cohort.target', everyKind, 'cohort.target', 999, 'widens', 'narrows'],
  ['cohort.max', everyKind, 'cohort.max', 1201, 'neutral', 'neutral'],
  ['minSurvivors', everyKind, 'minSurvivors', 299, 'widens', 'narrows'],
  ['attempts', everyKind, 'attempts', 4, 'widens', 'narrows'],
  ['assumptions.corrupt', everyKind, 'assumptions.corrupt', 49, 'widens', 'narrows'],
  ['assumptions.dropout', everyKind, 'assumptions.dropout', 201, 'widens', 'narrows'],
  ['assumptions.population', everyKind, 'assumptions.population', 999, 'widens', 'narrows'],
  ['minRespondents', everyKind, 'minRespondents', 19, 'widens', 'narrows'],
  ['privacy.mechanism', noisy, 'privacy', { mechanism: 'none' }, 'widens', 'narrows'],
  ['privacy.epsilon', noisy, 'privacy.epsilon', '1.1', 'widens', 'narrows'],
  ['privacy.delta', noisy, 'privacy.delta', '0.000002', 'widens', 'narrows'],
  ['privacy.budget.epsilon', noisy, 'privacy.budget.epsilon', '10', 'widens', 'narrows'],
  ['privacy.budget.delta', noisy, 'privacy.budget.delta', '0.00002', 'widens', 'narrows'],
  ['privacy.budget.days', noisy, 'privacy.budget.days', 29, 'widens', 'narrows'],
  ['privacy.neighbours', withNoise(LAPLACE), 'privacy.neighbours', 'zero', 'widens', 'narrows'],
  ['validity.notBeforeMs', everyKind, 'validity.notBeforeMs', 5, 'neutral', 'neutral'],
  ['validity.notAfterMs', everyKind, 'validity.notAfterMs', 2 ** 50, 'neutral', 'neutral'],
  [
    'groups.performance.purpose',
    everyKind,
    'groups.performance.purpose',
    'Ads.',
    'widens',
    'widens',
  ],
  [
    'groups.performance.essential',
    everyKind,
    'groups.performance.essential',
    true,
    'widens',
    'narrows',
  ],
  ['metrics.more', everyKind, 'metrics.12', metric, 'widens', 'narrows'],
  ['metrics.active.group', everyKind, 'metrics.active.group', 'performance', 'narrows', 'widens'],
  ['metrics.active.purpose', everyKind, 'metrics.active.purpose', 'Ads.', 'widens', 'widens'],
  ['metrics.active.owner', everyKind, 'metrics.active.owner', 'Another team', 'neutral', 'neutral'],
  [
    'metrics.active.retentionDays',
    everyKind,
    'metrics.active.retentionDays',
    91,
    'widens',
    'narrows',
  ],
  [
    'metrics.crashes.access',
    everyKind,
    'metrics.crashes.access.1',
    'operator',
    'widens',
    'narrows',
  ],
  ['metrics.crashes.max', everyKind, 'metrics.crashes.max', 101, 'widens', 'narrows'],
  [
    'metrics.channel.categories',
    everyKind,
    'metrics.channel.categories.2',
    'dev',
    'widens',
    'narrows',
  ],
  ['metrics.features.options', everyKind, 'metrics.features.options.3', 'cut', 'widens', 'narrows'],
  ['metrics.features.most', everyKind, 'metrics.features.most', 3, 'widens', 'narrows'],
  [
    'metrics.extension.candidates',
    everyKind,
    'metrics.extension.candidates.3',
    'd',
    'widens',
    'narrows',
  ],
  ['metrics.extension.k', everyKind, 'metrics.extension.k', 3, 'widens', 'narrows'],
  ['metrics.written_mib.max', everyKind, 'metrics.written_mib.max', '10000', 'widens', 'narrows'],
  ['metrics.temperature.min', everyKind, 'metrics.temperature.min', '-100', 'widens', 'narrows'],
  ['metrics.temperature.unit', everyKind, 'metrics.temperature.unit', '°F', 'widens', 'widens'],
  [
    'metrics.temperature.resolution',
    everyKind,
    'metrics.temperature.resolution',
    '0.25',
    'widens',
    'narrows',
  ],
  [
    'metrics.startup_ms.edges',
    everyKind,
    'metrics.startup_ms.edges.4',
    '10000',
    'widens',
    'narrows',
  ],
  ['metrics.save_ms.min', everyKind, 'metrics.save_ms.min', '0.5', 'widens', 'narrows'],
  ['metrics.save_ms.max', everyKind, 'metrics.save_ms.max', '2000', 'widens', 'narrows'],
  [
    'metrics.save_ms.relativeError',
    everyKind,
    'metrics.save_ms.relativeError',
    '0.2',
    'widens',
    'narrows',
  ],
  [
    'metrics.system_by_channel.rows',
    swapped(),
    'metrics.system_by_channel.rows',
    'third',
    'widens',
    'widens',
  ],
  [
    'metrics.system_by_channel.columns',
    swapped(),
    'metrics.system_by_channel.columns',
    'third',
    'widens',
    'widens',
  ],
];

/** With a third category, of which a table could be made instead. */
function swapped(): Manifest {
  const third = { ...everyKind.metrics[1], name: 'third' };
  return { ...everyKind, metrics: [...everyKind.metrics, third] };
}

test.each(CASES)('%s', (field, manifest, path, value, forth, back) => {
  const other = edited(manifest, path, value);
  expect(compareManifests(manifest, other)).toMatchObject([{ field, effect: forth }]);
  expect(compareManifests(other, manifest)).toMatchObject([{ field, effect: back }]);
});

describe('compareManifests', () => {
  it('finds nothing where nothing differs', () => {
    for (const manifest of [everyKind, noisy, withNoise(LAPLACE)]) {
      expect(compareManifests(manifest, structuredClone(manifest))).toEqual([]);
    }
  });

  it('knows every field there is', () => {
    const compared = CASES.map(([, , path]) => path);
    for (const path of leavesOf(noisy).filter((path) => !['onlysum', 'suite'].includes(path))) {
      const known = compared.some((each) => generic(each) === generic(path));
      const elsewhere = /\.(name|kind|mechanism)$/.test(path);
      expect([path, known || elsewhere]).toEqual([path, true]);
    }
  });

  it('takes another kind for another metric, and says what it was', () => {
    const [field, kind] = ['metrics.written_mib', 'mean'];
    const other = edited(everyKind, `${field}.kind`, kind);
    expect(compareManifests(everyKind, other)).toEqual([
      {
        field: `${field}.kind`,
        effect: 'widens',
        before: 'sum: 0 to 4096 MiB by 4',
        after: 'mean: 0 to 4096 MiB by 4',
      },
    ]);
  });

  it('tells finer from wider and lost from gained', () => {
    const other = edited(everyKind, 'metrics.startup_ms.edges', ['0', '100', '250', '5000']);
    expect(compareManifests(everyKind, other)).toEqual([
      { field: 'metrics.startup_ms.edges', effect: 'widens', before: undefined, after: '100' },
      { field: 'metrics.startup_ms.edges', effect: 'narrows', before: '1000', after: undefined },
    ]);
  });

  it('asks again of who gave one optional group but not the other', () => {
    const groups = [...everyKind.groups, { name: 'more', purpose: 'p', essential: false }];
    const metrics = [...everyKind.metrics, { ...everyKind.metrics[4], name: 'm', group: 'more' }];
    const other = edited({ ...everyKind, groups, metrics }, 'metrics.crashes.group', 'more');
    expect(compareManifests({ ...everyKind, groups, metrics }, other)).toMatchObject([
      { field: 'metrics.crashes.group', effect: 'widens' },
    ]);
  });

  it('leaves order alone', () => {
    const metrics = everyKind.metrics.toReversed();
    const groups = everyKind.groups.toReversed();
    const changes = compareManifests(everyKind, { ...everyKind, metrics, groups });
    expect(changes.map(({ field }) => field)).toEqual([
      'groups, their order',
      'metrics, their order',
    ]);
    const other = edited(everyKind, 'metrics.channel.categories', ['beta', 'stable']);
    expect(compareManifests(everyKind, other)).toMatchObject([
      { field: 'metrics.channel.categories, their order', effect: 'neutral' },
    ]);
    expect(changes.every(({ effect }) => effect === 'neutral')).toBe(true);
  });
});

describe('checkVersionRaised', () => {
  const wider = edited(everyKind, 'metrics.crashes.max', 101);

  it('refuses more under the same version or a lower one', () => {
    for (const version of [3, 2]) {
      expect(() => checkVersionRaised(everyKind, { ...wider, version })).toThrow(
        expect.objectContaining({
          code: 'version-not-raised',
          field: 'version',
          expected: 'more than 3, as it asks for more (metrics.crashes.max)',
        }),
      );
    }
  });

  it('allows more under a higher one, and less under any', () => {
    checkVersionRaised(everyKind, { ...wider, version: 4 });
    checkVersionRaised(wider, everyKind);
  });
});

function leavesOf(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner, at === '' ? key : `${at}.${key}`),
  );
}

/** Metrics and groups by their members alone; what is in a list by the list. */
function generic(path: string): string {
  return path.replace(/^(metrics|groups)\.[^.]+/, '$1').replace(/\.\d+$/, '');
}
