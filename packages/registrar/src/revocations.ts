/**
 * The list of revoked pseudonyms, signed, so that a coordinator can turn them away before it asks the
 * registrar. The registrar itself refuses them whatever a coordinator has read.
 */
import { LABELS, type Suite, encodeLabelled, parseHex, toHex } from '@onlysum/crypto';
import { presentIncarnation, revokedPseudonyms } from '@onlysum/protocol';
import type { RegistrarKey } from './key-ring.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface RevocationList {
  readonly incarnation: number;
  /** Unix time on the registrar's clock. */
  readonly issuedMs: number;
  /** Hex, ascending. */
  readonly pseudonyms: readonly string[];
  /** Ed25519, by the registrar, over {@link revocationsStatement}. */
  readonly signature: Uint8Array;
}

/**
 * How long a signed list is given out again. Making one costs a time that grows with it (0.16 s for 20,000
 * pseudonyms), and anyone may ask; a coordinator loses nothing, since the registrar itself is never late.
 */
export const REVOCATIONS_FRESH_MS = 3000;

/** The bytes the registrar signs. */
export function revocationsStatement(list: Omit<RevocationList, 'signature'>): Uint8Array {
  const { incarnation, issuedMs, pseudonyms } = list;
  const keys = pseudonyms.map((hex, i) => parseHex(`pseudonyms[${i}]`, hex, 32));
  return encodeLabelled(LABELS.revocations, incarnation, issuedMs, keys.length, ...keys);
}

/** The last list that was signed, by key. */
export class RevocationLists {
  readonly #suite: Suite;
  readonly #store: RegistrarStore;
  readonly #latest = new Map<string, RevocationList>();

  constructor(suite: Suite, store: RegistrarStore) {
    this.#suite = suite;
    this.#store = store;
  }

  /** @param key - one of the registrar's own, of which there are few. */
  latest({ publicKey, seed }: RegistrarKey, issuedMs: number): RevocationList {
    const name = toHex(publicKey);
    const before = this.#latest.get(name);
    // An age below zero: the clock was set back, and the list would seem to be of the future.
    const ageMs = before === undefined ? -1 : issuedMs - before.issuedMs;
    if (before !== undefined && ageMs >= 0 && ageMs < REVOCATIONS_FRESH_MS) return before;
    const list = this.#store.read((ledger) => ({
      incarnation: presentIncarnation(ledger),
      issuedMs,
      pseudonyms: revokedPseudonyms(ledger),
    }));
    const signature = this.#suite.ed25519Sign(seed, revocationsStatement(list));
    const signed = { ...list, signature };
    this.#latest.set(name, signed);
    return signed;
  }

  /** After a revocation here: the next list is made anew. */
  forget(): void {
    this.#latest.clear();
  }
}
