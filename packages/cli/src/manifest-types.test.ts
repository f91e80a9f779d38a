import type { MetricValues } from '@onlysum/task';
import { expect, expectTypeOf, test } from 'vitest';
import { everyKind } from '../test/every-kind.js';
import type { Metrics } from '../test/golden/metrics.js';
import { typesOf } from './manifest-types.js';

// To write it anew: npx vitest run packages/cli/src/manifest-types.test.ts -u
test('the interface is the checked-in one', async () => {
  await expect(typesOf(everyKind)).toMatchFileSnapshot('../test/golden/metrics.ts');
});

test('it has the types that a constant manifest has', () => {
  expectTypeOf<{ [K in keyof Metrics]: Metrics[K] }>().toEqualTypeOf<
    MetricValues<typeof everyKind>
  >();
});

test('a typo and a wrong value do not compile', () => {
  const values: Partial<Metrics> = { channel: 'beta', features: ['print', 'other'], crashes: 2 };
  expect(values).toBeDefined();
  // @ts-expect-error a typo in a metric's name
  void ({ chanel: 'beta' } satisfies Partial<Metrics>);
  // @ts-expect-error a typo in a category
  void ({ channel: 'betta' } satisfies Partial<Metrics>);
  // @ts-expect-error a flag is true or false
  void ({ active: 1 } satisfies Partial<Metrics>);
  // @ts-expect-error a table is made from its metrics
  void ({ system_by_channel: 'mac' } satisfies Partial<Metrics>);
});

test('a purpose stays in its comment', () => {
  const metrics = [{ ...everyKind.metrics[0], purpose: 'a */ const x = 1; /* @deprecated b' }];
  expect(typesOf({ ...everyKind, metrics })).toContain(
    '  /** a *\\/ const x = 1; /* \\@deprecated b */\n  readonly active: boolean;\n',
  );
});
