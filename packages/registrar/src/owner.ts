/**
 * Whose store it is: the host's own record beside those of the machine.
 * Invariant: one store, one key; under another, every certificate and announcement in it would be void.
 */
import { InternalError, equalBytes } from '@onlysum/crypto';
import type { Ledger } from '@onlysum/protocol';
import { keyMismatch } from './options.js';

const OWNER_KEY = 'owner';

/** @returns the public key of the registrar that signs from this store; undefined before its first start. */
export function storeOwner(ledger: Ledger): Uint8Array | undefined {
  const owner = ledger.read(OWNER_KEY);
  if (owner === undefined || owner instanceof Uint8Array) return owner;
  throw new InternalError('internal', 'the owner in the store is no key');
}

/** @throws {UsageError} `store-mismatch` if it is another registrar's. */
export function claimStore(ledger: Ledger, publicKey: Uint8Array): void {
  const owner = storeOwner(ledger);
  if (owner === undefined) ledger.put(OWNER_KEY, publicKey);
  else if (!equalBytes(owner, publicKey)) {
    throw keyMismatch('store-mismatch', 'store', publicKey, owner);
  }
}
