/**
 * Submissions on their own schedule: one at a random time in each window, so that devices do not come
 * all at once. Knows: when. Doesn't know: how. Invariant: submissions never overlap, and nothing here
 * keeps a process alive.
 */
import { OnlysumError, type Rng } from '@onlysum/crypto';
import { type Manifest, windowAt } from '@onlysum/task';
import { uniform } from './jitter.js';
import { SubmitError } from './submit-error.js';
import { startTimer } from './timers.js';

export interface BackgroundPorts {
  readonly manifest: Manifest;
  readonly rng: Rng;
  readonly now: () => number;
  /** Submits once. @throws {OnlysumError} */
  readonly submit: () => Promise<unknown>;
  readonly onProblem: (error: OnlysumError) => void;
}

/** A round that begins in the last tenth of a window may not end in it. */
const LAST_PART = 0.1;

/** @returns a function that ends the schedule; a submission under way is the caller's to abort. */
export function startBackground(ports: BackgroundPorts): () => void {
  const { manifest, rng, now } = ports;
  let isStopped = false;
  let cancel = (): void => {};
  const schedule = (fromMs: number): void => {
    if (isStopped) return;
    cancel = startTimer(submitAtMs(manifest, fromMs, rng) - now(), false, () => void run());
  };
  const run = async (): Promise<void> => {
    try {
      await ports.submit();
      schedule(windowAt(manifest, now()).endMs);
    } catch (error) {
      if (!isStopped && !isExpected(error)) ports.onProblem(error as OnlysumError);
      schedule(comeBackMs(error, manifest, now()));
    }
  };
  schedule(now());
  return () => {
    isStopped = true;
    cancel();
  };
}

/** @returns a uniform time, Unix ms, in what is left of the window of `fromMs`, or in the next one. */
export function submitAtMs(manifest: Manifest, fromMs: number, rng: Rng): number {
  const { startMs, endMs } = windowAt(manifest, fromMs);
  const lengthMs = endMs - startMs;
  const lastMs = endMs - LAST_PART * lengthMs;
  const firstMs = fromMs < lastMs ? fromMs : endMs;
  const untilMs = fromMs < lastMs ? lastMs : lastMs + lengthMs;
  return firstMs + uniform(rng) * (untilMs - firstMs);
}

/** After a failure that can pass, once more in the same window; else in the next. */
function comeBackMs(error: unknown, manifest: Manifest, nowMs: number): number {
  if (error instanceof SubmitError && error.nextWindowMs !== undefined) {
    return Math.max(error.nextWindowMs, nowMs);
  }
  const canPass = error instanceof OnlysumError && error.retryable;
  return canPass ? nowMs : windowAt(manifest, nowMs).endMs;
}

/** Another submission of this device was first, or is under way: as it should be. */
function isExpected(error: unknown): boolean {
  const codes = ['already-contributed', 'submit-running'];
  return error instanceof OnlysumError && codes.includes(error.code);
}
