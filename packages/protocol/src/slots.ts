/**
 * When the devices of a pool come: slots spread evenly over the window, pool after pool. Protocol §2.4.
 * Knows: the manifest, the window, P. Doesn't know: clocks, jitter, who is in a pool.
 * Invariant: whoever has the same three derives the same times, to the millisecond.
 */
import { invalidField, UsageError } from '@onlysum/crypto';
import type { Manifest, Window } from '@onlysum/task';
import { clockSkewMs } from './window-clock.js';

export interface PoolSlots {
  /** When each of the pool's slots opens: Unix ms, ascending, at least one. */
  readonly opensMs: readonly number[];
  /** Whoever has missed the last slot may still come before this: Unix ms, exclusive. */
  readonly closesMs: number;
}

/** A cohort that meets every ten minutes waits at most that long for who was offline. */
const SLOT_MS = 600_000;
const MOST_SLOTS = 8;

/** R: slots of each pool in a window. */
export function slotCount({ window: { lengthMs } }: Manifest): number {
  return Math.min(MOST_SLOTS, Math.max(1, Math.floor(lengthMs / SLOT_MS)));
}

/**
 * @param pools - P of the window's announcement, from 1.
 * @param pool - 0 ≤ pool < pools.
 * @throws {UsageError} `argument-invalid`.
 */
export function poolSlots(
  manifest: Manifest,
  window: Window,
  pools: number,
  pool: number,
): PoolSlots {
  if (!Number.isSafeInteger(pools) || pools < 1 || pools > 0xffff_ffff) {
    throw invalid('pools', 'an integer from 1 to 2^32 − 1', pools);
  }
  if (!Number.isSafeInteger(pool) || pool < 0 || pool >= pools) {
    throw invalid('pool', `an integer from 0 to ${pools - 1}`, pool);
  }
  const marginMs = Math.floor(clockSkewMs(manifest));
  const usableMs = BigInt(window.endMs - window.startMs - 2 * marginMs);
  const rounds = slotCount(manifest);
  const all = BigInt(rounds) * BigInt(pools);
  // Their product has more than 53 bits.
  const offsetMs = (slot: number) =>
    Number((usableMs * (BigInt(slot) * BigInt(pools) + BigInt(pool))) / all);
  return {
    opensMs: Array.from(
      { length: rounds },
      (_, slot) => window.startMs + marginMs + offsetMs(slot),
    ),
    closesMs: window.endMs - marginMs,
  };
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
