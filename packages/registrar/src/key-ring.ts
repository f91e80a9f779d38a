/**
 * The registrar's signing keys: the present one, and those of before that still sign for older manifests.
 * Knows: which key is asked for. Doesn't know: tasks, the store.
 * Invariant: a task names one key, and only that one signs for it.
 */
import { type Suite, UsageError, equalBytes, toHex } from '@onlysum/crypto';

export interface RegistrarKey {
  /** Ed25519 seed, 32 bytes; borrowed. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface KeyRing {
  readonly present: RegistrarKey;
  readonly previous: readonly RegistrarKey[];
  /** @returns undefined if it is none of these. */
  find(publicKey: Uint8Array): RegistrarKey | undefined;
  /**
   * @param publicKey - undefined: the present one.
   * @throws {UsageError} `registrar-key-unknown`.
   */
  expect(publicKey: Uint8Array | undefined): RegistrarKey;
}

export function makeKeyRing(
  suite: Suite,
  seed: Uint8Array,
  previousSeeds: readonly Uint8Array[],
): KeyRing {
  const keyOf = (each: Uint8Array) => ({ seed: each, publicKey: suite.ed25519PublicKey(each) });
  const present = keyOf(seed);
  const previous = previousSeeds.map(keyOf);
  const keys = [present, ...previous];
  const find = (publicKey: Uint8Array) => keys.find((key) => equalBytes(key.publicKey, publicKey));
  return {
    present,
    previous,
    find,
    expect: (publicKey = present.publicKey) => {
      const key = find(publicKey);
      if (key === undefined) throw keyUnknown('registrar', publicKey, keys);
      return key;
    },
  };
}

/** @param keys - those that would do. */
export function keyUnknown(
  field: string,
  publicKey: Uint8Array,
  keys: readonly { readonly publicKey: Uint8Array }[],
): UsageError {
  const expected = `a key of this registrar, ${keys.map((key) => toHex(key.publicKey)).join(' or ')}`;
  const got = toHex(publicKey);
  const message = `${field}: expected ${expected}, got ${got}`;
  return new UsageError('registrar-key-unknown', message, { field, expected, got });
}
