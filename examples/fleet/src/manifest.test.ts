import { checkManifestFloor, compileLayout, DEFAULT_FLOOR, parseManifest } from '@onlysum/task';
import { windowAt } from '@onlysum/task';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FEWEST_DEVICES, MOST_DEVICES } from './assumptions.js';
import { fleetManifest, windowLengthMs } from './manifest.js';
import { regionVersions } from './population.js';

const keys = {
  publisher: '11'.repeat(32),
  registrar: '22'.repeat(32),
  coordinator: '33'.repeat(32),
};
const coordinatorUrl = 'ws://127.0.0.1:1';
const versions = regionVersions()
  .slice(0, 12)
  .map(({ name }) => name);
// 2020 to 2100.
const anyTime = fc.integer({ min: 1_577_836_800_000, max: 4_102_444_800_000 });

test.each([FEWEST_DEVICES, 5, 100, MOST_DEVICES])(
  'the manifest for %i devices is one that any device takes',
  (devices) => {
    const manifest = parseManifest(
      fleetManifest({ devices, keys, coordinatorUrl, versions, nowMs: 1_800_000_000_000 }),
    );
    checkManifestFloor(manifest, DEFAULT_FLOOR);
    expect(manifest.cohort).toEqual({ min: devices, target: devices, max: devices });
    expect(compileLayout(manifest).lanes.length).toBeGreaterThan(30);
  },
);

test('whenever it starts, window, epoch and validity have more than half an hour left', () => {
  fc.assert(
    fc.property(anyTime, (nowMs) => {
      const manifest = fleetManifest({ devices: 10, keys, coordinatorUrl, versions, nowMs });
      const window = windowAt(manifest, nowMs);
      const epochEndMs = (window.epoch + 1) * manifest.epoch.lengthMs;
      expect(window.endMs - nowMs).toBeGreaterThan(1_800_000);
      // The client renews its certificate when a quarter of the epoch is left.
      expect(epochEndMs - nowMs).toBeGreaterThan(manifest.epoch.lengthMs / 2);
      expect(window.startMs).toBeGreaterThanOrEqual(manifest.validity.notBeforeMs);
      expect(window.endMs).toBeLessThanOrEqual(manifest.validity.notAfterMs);
    }),
  );
});

test('a window takes about an hour', () => {
  fc.assert(
    fc.property(anyTime, (nowMs) => {
      expect(Math.abs(windowLengthMs(nowMs) - 3_600_000)).toBeLessThan(600);
    }),
  );
});
