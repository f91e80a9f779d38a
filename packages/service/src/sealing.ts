/**
 * Results at rest: XChaCha20-Poly1305 under a key that the service is given.
 * Knows: the sealed form, key ids, the place a record belongs to. Doesn't know: where keys come from,
 * where records are kept.
 * Invariant: a sealed record opens only at its own place, so that none can stand in for another.
 *
 * Sealed form: 1 (the version), key id (8), nonce (24), ciphertext and tag (16 more than the plaintext).
 * Nonces are random: with 192 bits none comes twice in practice, whoever restores a backup.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import {
  concatBytes,
  encodeLabelled,
  equalBytes,
  invalidField,
  LABELS,
  type Rng,
  type Suite,
  toHex,
  UsageError,
  wipe,
} from '@onlysum/crypto';

/** Where a record belongs. */
export interface SealedPlace {
  /** What it is, e.g. `result`. */
  readonly kind: string;
  /** Task id, hex. */
  readonly task: string;
  /** Index of the window. */
  readonly window: number;
  /** Round id, hex. */
  readonly round: string;
}

export const SEAL_KEY_BYTES = 32;
const VERSION = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES;

export class Sealer {
  readonly #rng: Rng;
  /** By id, hex. */
  readonly #keys = new Map<string, Uint8Array>();
  readonly #presentId: Uint8Array;

  /**
   * @param present - seals and opens; 32 bytes, copied.
   * @param older - open what was sealed before a rotation; copied.
   * @throws {UsageError} `seal-key-invalid`.
   */
  constructor(suite: Suite, rng: Rng, present: Uint8Array, older: readonly Uint8Array[] = []) {
    this.#rng = rng;
    for (const key of [present, ...older]) {
      if (key.length !== SEAL_KEY_BYTES) {
        const expected = `${SEAL_KEY_BYTES} bytes`;
        throw invalidField(UsageError, 'seal-key-invalid', 'sealKey', expected, key);
      }
    }
    this.#presentId = sealKeyId(suite, present);
    for (const key of [present, ...older]) {
      this.#keys.set(toHex(sealKeyId(suite, key)), key.slice());
    }
  }

  /** Id of the key that seals, hex. */
  get keyId(): string {
    return toHex(this.#presentId);
  }

  /** Ids of all keys that open, hex; the present one first. */
  get keyIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  seal(plaintext: Uint8Array, place: SealedPlace): Uint8Array {
    const nonce = this.#rng(NONCE_BYTES);
    const head = concatBytes(Uint8Array.of(VERSION), this.#presentId, nonce);
    const key = this.#key(this.#presentId);
    const box = xchacha20poly1305(key, nonce, associated(head, place)).encrypt(plaintext);
    return concatBytes(head, box);
  }

  /**
   * @returns the plaintext, owned by the caller.
   * @throws {UsageError} `seal-key-unknown` if it was sealed under a key that is not here;
   *   `seal-open-failed` if it was changed, belongs elsewhere, or is no sealed record.
   */
  open(sealed: Uint8Array, place: SealedPlace): Uint8Array {
    if (sealed.length < HEAD_BYTES + TAG_BYTES) throw openFailed(place);
    const head = sealed.subarray(0, HEAD_BYTES);
    const nonce = head.subarray(1 + KEY_ID_BYTES);
    const key = this.#key(keyIdOf(sealed));
    try {
      const cipher = xchacha20poly1305(key, nonce, associated(head, place));
      return cipher.decrypt(sealed.subarray(HEAD_BYTES));
    } catch {
      throw openFailed(place);
    }
  }

  /** Whether the present key sealed it; whether it opens is not looked at. */
  isPresent(sealed: Uint8Array): boolean {
    return equalBytes(keyIdOf(sealed), this.#presentId);
  }

  /**
   * The same record under the present key; for rotation. What is under it already comes back as it is.
   *
   * @throws {UsageError} as {@link open}.
   */
  reseal(sealed: Uint8Array, place: SealedPlace): Uint8Array {
    const plaintext = this.open(sealed, place);
    try {
      return this.isPresent(sealed) ? sealed : this.seal(plaintext, place);
    } finally {
      wipe(plaintext);
    }
  }

  /** Forgets all keys: nothing is sealed or opened afterwards. */
  wipe(): void {
    for (const key of this.#keys.values()) wipe(key);
    this.#keys.clear();
  }

  #key(id: Uint8Array): Uint8Array {
    const key = this.#keys.get(toHex(id));
    if (key !== undefined) return key;
    const known = [...this.#keys.keys()].join(', ') || 'none';
    throw invalidField(UsageError, 'seal-key-unknown', 'keyId', `one of ${known}`, toHex(id));
  }
}

/** @returns 8 bytes that name a key and tell nothing of it. */
export function sealKeyId(suite: Suite, key: Uint8Array): Uint8Array {
  const encoded = encodeLabelled(LABELS.sealKeyId, key);
  try {
    return suite.sha256(encoded).slice(0, KEY_ID_BYTES);
  } finally {
    wipe(encoded);
  }
}

function keyIdOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(1, 1 + KEY_ID_BYTES);
}

/** With the whole head, so that no other version or key can be put before the same box. */
function associated(head: Uint8Array, { kind, task, window, round }: SealedPlace): Uint8Array {
  return encodeLabelled(LABELS.sealedPlace, head, kind, task, window, round);
}

function openFailed({ kind, window, round }: SealedPlace): UsageError {
  const expected = `the ${kind} of window ${window}, round ${round}, as it was sealed`;
  const got = 'something else';
  return new UsageError('seal-open-failed', `sealed: expected ${expected}, got ${got}`, {
    field: 'sealed',
    expected,
    got,
  });
}
