import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vectors/v1/manifest.json' with { type: 'json' };
import { parseManifest } from './parse-manifest.js';
import { checkValidity, windowAt, windowByIndex } from './window.js';

const manifest = parseManifest(vectors.manifest);
const hour = manifest.window.lengthMs;

test('a window starts at its first millisecond and ends before the next', () => {
  const first = { index: 490_896, startMs: 490_896 * hour, endMs: 490_897 * hour, epoch: 20_454 };
  expect(windowAt(manifest, first.startMs)).toEqual(first);
  expect(windowAt(manifest, first.endMs - 0.001)).toEqual(first);
  expect(windowAt(manifest, first.endMs).index).toBe(first.index + 1);
  expect(windowByIndex(manifest, first.index)).toEqual(first);
});

test('every moment lies in its window, and every window in one epoch', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 10 ** 9 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 0, max: 10 ** 13 }),
      (lengthMs, factor, nowMs) => {
        const epochMs = lengthMs * factor;
        const w = windowAt(
          { ...manifest, window: { lengthMs }, epoch: { lengthMs: epochMs } },
          nowMs,
        );
        expect(w.startMs <= nowMs && nowMs < w.endMs).toBe(true);
        expect(w.endMs - w.startMs).toBe(lengthMs);
        expect(w.epoch * epochMs <= w.startMs && w.endMs <= (w.epoch + 1) * epochMs).toBe(true);
      },
    ),
  );
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('refuses the time %s', (nowMs) => {
  expect(() => windowAt(manifest, nowMs)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field: 'nowMs' }),
  );
});

test.each([-1, 0.5, Number.NaN, 2 ** 53, 2 ** 40])('refuses the index %s', (index) => {
  expect(() => windowByIndex(manifest, index)).toThrow(
    expect.objectContaining({ code: 'argument-invalid', field: 'window' }),
  );
});

test('a window counts only if all of it is within the validity', () => {
  const { notBeforeMs } = manifest.validity;
  const first = windowAt(manifest, notBeforeMs);
  checkValidity(manifest, first);
  const refusal = (retryable: boolean) =>
    expect.objectContaining({ code: 'task-not-valid', field: 'validity', retryable });
  expect(() => checkValidity(manifest, windowByIndex(manifest, first.index - 1))).toThrow(
    refusal(true),
  );
  const late = { ...manifest, validity: { notBeforeMs, notAfterMs: first.endMs - 1 } };
  expect(() => checkValidity(late, first)).toThrow(refusal(false));
  const just = { ...manifest, validity: { notBeforeMs, notAfterMs: first.endMs } };
  checkValidity(just, first);
  const partly = { ...manifest, validity: { notBeforeMs: notBeforeMs + 1, notAfterMs: 2 ** 50 } };
  expect(() => checkValidity(partly, first)).toThrow(refusal(true));
});
