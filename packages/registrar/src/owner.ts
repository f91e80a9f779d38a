/**
 * Whose store it is: the host's own record beside those of the machine.
 * Invariant: one store, one registrar. Its key changes only in a start that has the old seed and the new.
 */
import { InternalError, equalBytes } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import type { KeyRing } from './key-ring.js';
import { keyMismatch } from './options.js';

const OWNER_KEY = 'owner';
const FORMER_KEY = 'former-owners';

/** @returns the public key of the registrar that signs from this store; undefined before its first start. */
export function storeOwner(ledger: Ledger): Uint8Array | undefined {
  const owner = ledger.read(OWNER_KEY);
  if (owner === undefined || owner instanceof Uint8Array) return owner;
  throw new InternalError('internal', 'the owner in the store is no key');
}

/** @returns public keys that this registrar had before, the oldest first; also those that sign no more. */
export function formerOwners(ledger: Ledger): readonly Uint8Array[] {
  return (ledger.read(FORMER_KEY) ?? []) as readonly Uint8Array[];
}

/**
 * @returns whether the store is new, this registrar's already, or was just handed from one of its previous
 *   keys to the present one.
 * @throws {UsageError} `store-mismatch` if it is another registrar's.
 */
export function claimStore(ledger: Ledger, ring: KeyRing): 'new' | 'own' | 'rotated' {
  const owner = storeOwner(ledger);
  const { publicKey } = ring.present;
  if (owner !== undefined && equalBytes(owner, publicKey)) return 'own';
  if (owner !== undefined && ring.find(owner) === undefined) {
    throw keyMismatch('store-mismatch', 'store', publicKey, owner);
  }
  ledger.put(OWNER_KEY, publicKey);
  if (owner === undefined) return 'new';
  ledger.put(FORMER_KEY, [...formerOwners(ledger), owner]);
  return 'rotated';
}
