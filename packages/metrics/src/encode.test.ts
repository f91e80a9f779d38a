import { compileLayout, type Layout, parseManifest } from '@onlysum/task';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import published from '../../../test/vectors/v1/metrics.json' with { type: 'json' };
import { encodeLanes } from './encode.js';
import type { RecordedValue } from './value.js';

const manifest = parseManifest(vectors.manifest);
const layout = compileLayout(manifest);
const values = (record: Record<string, RecordedValue | undefined>) =>
  new Map(
    Object.entries(record).filter(
      (entry): entry is [string, RecordedValue] => entry[1] !== undefined,
    ),
  );

test.each(published.devices)('$name', ({ values: recorded, consented, lanes }) => {
  const encoded = encodeLanes({ manifest, layout }, values(recorded), (group) =>
    (consented as readonly string[]).includes(group),
  );
  expect(encoded).toBeInstanceOf(Uint32Array);
  expect([...encoded]).toEqual(lanes);
});

const kinds = parseManifest(vectors.kinds);
const kindsTask = { manifest: kinds, layout: compileLayout(kinds) };

test.each(published.kindDevices)('other kinds: $name', ({ values: recorded, consented, lanes }) => {
  const encoded = encodeLanes(kindsTask, values(recorded), (group) => consented.includes(group));
  expect([...encoded]).toEqual(lanes);
});

test('consent is asked once for each group', () => {
  const asked: string[] = [];
  encodeLanes({ manifest, layout }, new Map(), (group) => asked.push(group) > 0);
  expect(asked).toEqual(['essential', 'performance']);
});

test.each<[Record<string, RecordedValue>, string]>([
  [{ unknown: 1 }, 'metric-unknown'],
  [{ active: 1 }, 'value-type'],
  [{ browser: true }, 'value-type'],
  [{ disk: Number.NaN }, 'value-not-finite'],
])('refuses %o, with consent or without', (record, code) => {
  for (const given of [true, false]) {
    expect(() => encodeLanes({ manifest, layout }, values(record), () => given)).toThrow(
      expect.objectContaining({ code }),
    );
  }
});

test('a value beyond its lane is our bug and never leaves', () => {
  const lanes = layout.lanes.map((lane) =>
    lane.label === 'crashes.value' ? { ...lane, bound: 2 } : lane,
  );
  const tight: Layout = { ...layout, lanes };
  encodeLanes({ manifest, layout: tight }, values({ crashes: 2 }), () => true);
  expect(() =>
    encodeLanes({ manifest, layout: tight }, values({ crashes: 3 }), () => true),
  ).toThrow(
    expect.objectContaining({
      code: 'internal',
      message: expect.stringContaining('crashes.value'),
    }),
  );
});
