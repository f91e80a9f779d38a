/**
 * Whether a window is the present one on the reader's own clock. Protocol §2.3. Device and registrar
 * both ask, each with its own clock; nobody takes the time from a message.
 */
import { type Manifest, type Window, windowAt } from '@onlysum/task';

/** Clocks of ordinary machines are within a minute; short windows get a tenth of their length. */
const MOST_SKEW_MS = 60_000;

/** The allowance for clocks that differ, in milliseconds. */
export function clockSkewMs({ window: { lengthMs } }: Manifest): number {
  return Math.min(MOST_SKEW_MS, lengthMs / 10);
}

/** @returns the window if `nowMs` is in it, give or take the allowed skew; else undefined. */
export function currentWindow(
  manifest: Manifest,
  index: number,
  nowMs: number,
): Window | undefined {
  const skewMs = clockSkewMs(manifest);
  return [nowMs, nowMs - skewMs, nowMs + skewMs]
    .map((ms) => windowAt(manifest, Math.max(0, ms)))
    .find((window) => window.index === index);
}
