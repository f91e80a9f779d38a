/** Public-key work in slices, so that the host's event loop runs between them. */
import { type DeriveOp, type DeriveResult, runDerive, type Suite } from '@onlysum/crypto';
import { sleep } from './timers.js';

/** About 10 ms each: a portable agreement takes 1.4 ms, a native one some 50 µs. */
const OPERATIONS_PER_SLICE = { portable: 8, native: 128 };

export async function deriveInSlices(
  suite: Suite,
  batch: readonly DeriveOp[],
  holdsProcess: boolean,
): Promise<DeriveResult[]> {
  const size = OPERATIONS_PER_SLICE[suite.name];
  const results: DeriveResult[] = [];
  for (let at = 0; at < batch.length; at += size) {
    if (at > 0) await sleep(0, holdsProcess);
    results.push(...runDerive(suite, batch.slice(at, at + size)));
  }
  return results;
}
