import type { Manifest } from '@onlysum/task';
import { describe, expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { currentWindow } from './window-clock.js';

const manifestWith = (lengthMs: number) =>
  ({ ...vectors.manifest, window: { lengthMs } }) as unknown as Manifest;
const HOUR = 3_600_000;

describe('the present window', () => {
  test('is the one the clock is in', () => {
    const manifest = manifestWith(HOUR);
    expect(currentWindow(manifest, 10, 10.5 * HOUR)).toMatchObject({
      index: 10,
      startMs: 10 * HOUR,
    });
    for (const index of [9, 11])
      expect(currentWindow(manifest, index, 10.5 * HOUR)).toBeUndefined();
  });

  test.each([
    ['a minute for an hour', HOUR, 60_000],
    ['a tenth of a short window', 10_000, 1000],
  ])('allows for clocks that differ by %s and no more', (_, lengthMs, skewMs) => {
    const manifest = manifestWith(lengthMs);
    const [start, end] = [10 * lengthMs, 11 * lengthMs];
    for (const now of [start, start - skewMs, end - 1, end + skewMs - 1]) {
      expect(currentWindow(manifest, 10, now)?.index).toBe(10);
    }
    for (const now of [start - skewMs - 1, end + skewMs]) {
      expect(currentWindow(manifest, 10, now)).toBeUndefined();
    }
  });

  test('at the beginning of time there is nothing before it', () => {
    expect(currentWindow(manifestWith(HOUR), 0, 0)?.index).toBe(0);
  });
});
