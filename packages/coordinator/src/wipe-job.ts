/** The secrets of a job end with it. A thread’s packed copy of them is wiped there. */
import { wipe } from '@onlysum/crypto';
import type { OpenJob } from '@onlysum/protocol';

/** Overwrites seeds, pair secrets, shares and the masked sum. */
export function wipeJob({ sum, selfSeeds, pairs, silent, dropped }: OpenJob): void {
  wipe(sum);
  // One by one: hundreds of thousands of pairs are too many for the arguments of a call.
  for (const { b } of selfSeeds) wipe(b);
  for (const { p } of pairs) wipe(p);
  for (const { shares } of [...silent, ...dropped]) for (const { share } of shares) wipe(share);
}
