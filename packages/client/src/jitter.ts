/** Random waits, so that devices which failed together do not come back together. */
import type { Rng } from '@onlysum/crypto';

/** A restarted coordinator is back within seconds; the first wait is on that scale. */
const FIRST_WAIT_MS = 500;
/** Long enough to spare a coordinator in trouble; short enough to be there soon after it is back. */
const LONGEST_WAIT_MS = 15_000;

/** @returns a uniform number, 0 ≤ x < 1, with 32 bits. */
export function uniform(rng: Rng): number {
  const bytes = rng(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/** Full jitter: uniform up to a bound that doubles. @param failures - so far, from 1. */
export function backoffMs(failures: number, rng: Rng): number {
  return uniform(rng) * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
}
