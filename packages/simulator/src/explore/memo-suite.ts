/**
 * The given suite with its public-key operations remembered: the same inputs give the same bytes, so an
 * exploration that takes one step in a thousand orders computes it once.
 * Invariant: every method is a pure function of its arguments, and what is returned is a copy, so that
 * a machine that wipes it wipes nothing here.
 */
import type { Suite } from '@onlysum/crypto';

export function memoisedSuite(suite: Suite): Suite {
  const known = new Map<string, Uint8Array | boolean>();
  const bytes = (name: string, parts: readonly Uint8Array[], make: () => Uint8Array) => {
    const key = keyOf(name, parts);
    let result = known.get(key);
    if (result === undefined) {
      result = make();
      known.set(key, result);
    }
    return (result as Uint8Array).slice();
  };
  // A refused key throws and is not remembered.
  const x25519 = (secret: Uint8Array, publicKey: Uint8Array): Uint8Array =>
    bytes('x', [secret, publicKey], () => suite.x25519(secret, publicKey));
  return {
    ...suite,
    x25519PublicKey: (secret) => bytes('p', [secret], () => suite.x25519PublicKey(secret)),
    x25519,
    x25519With: (secret) => (publicKey) => x25519(secret, publicKey),
    ed25519PublicKey: (seed) => bytes('e', [seed], () => suite.ed25519PublicKey(seed)),
    ed25519Sign: (seed, message) =>
      bytes('s', [seed, message], () => suite.ed25519Sign(seed, message)),
    ed25519Verify: (publicKey, message, signature) => {
      const key = keyOf('v', [publicKey, message, signature]);
      let result = known.get(key);
      if (result === undefined) {
        result = suite.ed25519Verify(publicKey, message, signature);
        known.set(key, result);
      }
      return result as boolean;
    },
  };
}

function keyOf(name: string, parts: readonly Uint8Array[]): string {
  return name + parts.map((part) => Buffer.from(part).toString('base64')).join(' ');
}
