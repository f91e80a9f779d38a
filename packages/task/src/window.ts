/**
 * Windows: fixed intervals counted from 1970-01-01T00:00Z, each within one epoch. Protocol §2.
 * Time is an argument; nothing here reads a clock.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Manifest } from './manifest.js';

export interface Window {
  readonly index: number;
  /** Unix time, inclusive. */
  readonly startMs: number;
  /** Unix time, exclusive. */
  readonly endMs: number;
  readonly epoch: number;
}

/** @param nowMs - Unix time; a fraction of a millisecond is cut off. */
export function windowAt(manifest: Manifest, nowMs: number): Window {
  if (!(nowMs >= 0 && nowMs <= Number.MAX_SAFE_INTEGER)) {
    throw invalidField(
      UsageError,
      'argument-invalid',
      'nowMs',
      'a Unix time in milliseconds',
      nowMs,
    );
  }
  return windowByIndex(manifest, Math.floor(nowMs / manifest.window.lengthMs));
}

/** @throws {UsageError} `argument-invalid` unless the window's end is a safe integer. */
export function windowByIndex(manifest: Manifest, index: number): Window {
  const { lengthMs } = manifest.window;
  const startMs = index * lengthMs;
  const endMs = startMs + lengthMs;
  if (!Number.isSafeInteger(index) || index < 0 || !Number.isSafeInteger(endMs)) {
    throw invalidField(UsageError, 'argument-invalid', 'window', 'the index of a window', index);
  }
  return { index, startMs, endMs, epoch: Math.floor(startMs / manifest.epoch.lengthMs) };
}

/**
 * A window belongs to a task only if all of it lies within the task's validity.
 *
 * @throws {UsageError} `task-not-valid`, retryable if the validity has yet to begin.
 */
export function checkValidity({ validity }: Manifest, window: Window): void {
  const early = window.startMs < validity.notBeforeMs;
  if (!early && window.endMs <= validity.notAfterMs) return;
  const got = `${window.startMs} to ${window.endMs}`;
  const expected = `a window within ${validity.notBeforeMs} to ${validity.notAfterMs}`;
  throw new UsageError('task-not-valid', `validity: expected ${expected}, got ${got}`, {
    field: 'validity',
    expected,
    got,
    retryable: early,
  });
}
