/**
 * The list of revoked pseudonyms, signed, so that a coordinator can turn them away before it asks the
 * registrar. The registrar itself refuses them whatever a coordinator has read.
 */
import { LABELS, type Suite, encodeLabelled, parseHex } from '@onlysum/crypto';

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

export function signRevocations(
  suite: Suite,
  seed: Uint8Array,
  list: Omit<RevocationList, 'signature'>,
): RevocationList {
  return { ...list, signature: suite.ed25519Sign(seed, revocationsStatement(list)) };
}
