/**
 * Public-key operations as data, so that a machine can ask for them and a host can run them where it
 * likes: in place, in a worker, by WebCrypto. Secrets appear in these values and in no other effect.
 */
import { WireError } from './errors.js';
import type { Suite } from './suite.js';

export type DeriveOp =
  | { readonly op: 'x25519-public'; readonly secret: Uint8Array }
  | { readonly op: 'x25519'; readonly secret: Uint8Array; readonly publicKey: Uint8Array }
  | { readonly op: 'ed25519-sign'; readonly seed: Uint8Array; readonly message: Uint8Array }
  | {
      readonly op: 'ed25519-verify';
      readonly publicKey: Uint8Array;
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    };

/** Bytes for keys, agreements and signatures; a boolean for a verification; undefined if agreement failed. */
export type DeriveResult = Uint8Array | boolean | undefined;

/** Runs a batch in order. Never throws for what a peer sent: a bad key gives undefined. */
export function runDerive(suite: Suite, batch: readonly DeriveOp[]): DeriveResult[] {
  return batch.map((op) => {
    switch (op.op) {
      case 'x25519-public':
        return suite.x25519PublicKey(op.secret);
      case 'x25519':
        return agreeOrUndefined(suite, op.secret, op.publicKey);
      case 'ed25519-sign':
        return suite.ed25519Sign(op.seed, op.message);
      case 'ed25519-verify':
        return suite.ed25519Verify(op.publicKey, op.message, op.signature);
    }
  });
}

function agreeOrUndefined(suite: Suite, secret: Uint8Array, publicKey: Uint8Array) {
  try {
    return suite.x25519(secret, publicKey);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
