/**
 * Where a device's public-key work runs. Knows: what the host gave and what the platform has. Doesn't
 * know: rounds.
 */
import {
  type DeriveOp,
  type DeriveResult,
  type PlatformCrypto,
  portableSuite,
  type Suite,
  webCryptoDerive,
} from '@onlysum/crypto';
import { deriveInSlices } from './derive-in-slices.js';

/** @param holdsProcess - whether it keeps a Node process alive meanwhile. */
export type Derive = (batch: readonly DeriveOp[], holdsProcess: boolean) => Promise<DeriveResult[]>;

/** @param suite - the host's own, which does all of the work, in slices; undefined for what is best here. */
export function deriveOn(suite: Suite | undefined): Derive {
  // A page that came neither over HTTPS nor from this machine has none.
  const subtle: PlatformCrypto | undefined = globalThis.crypto.subtle;
  if (suite !== undefined || subtle === undefined) {
    return (batch, holdsProcess) => deriveInSlices(suite ?? portableSuite, batch, holdsProcess);
  }
  const run = webCryptoDerive(subtle);
  return (batch, holdsProcess) =>
    run(batch, (rest) => deriveInSlices(portableSuite, rest, holdsProcess));
}
