/** The secrets of a job end with it, on both sides of the thread. */
import { wipe } from '@onlysum/crypto';
import type { OpenJob } from '@onlysum/protocol';

/** Overwrites seeds, pair secrets, shares and the masked sum. */
export function wipeJob({ sum, selfSeeds, pairs, silent, dropped }: OpenJob): void {
  wipe(sum, ...selfSeeds.map(({ b }) => b), ...pairs.map(({ p }) => p));
  for (const { shares } of [...silent, ...dropped]) wipe(...shares.map(({ share }) => share));
}
