/**
 * Public-key operations as data, so that a machine can ask for them and a host can run them where it
 * likes: in place, in a worker, by WebCrypto. Secrets appear in these values and in no other effect.
 */
import { wipe } from './bytes.js';
import { WireError } from './errors.js';
import { checkSecretLength } from './lengths.js';
import type { Suite } from './suite.js';

export type DeriveOp =
  | { readonly op: 'x25519-public'; readonly secret: Uint8Array }
  /** X25519, and from it by HKDF-SHA-256 a key for each of `infos`. The agreement itself leaves no runner. */
  | {
      readonly op: 'agree';
      readonly secret: Uint8Array;
      readonly publicKey: Uint8Array;
      readonly salt: Uint8Array;
      readonly infos: readonly Uint8Array[];
    }
  | { readonly op: 'ed25519-sign'; readonly seed: Uint8Array; readonly message: Uint8Array }
  | {
      readonly op: 'ed25519-verify';
      readonly publicKey: Uint8Array;
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    };

/**
 * Bytes for a public key and a signature; a key of 32 bytes for each info of an agreement, undefined if
 * the peer's key has none; a boolean for a verification. Who asked owns them.
 */
export type DeriveResult = Uint8Array | readonly Uint8Array[] | boolean | undefined;

export const DERIVED_KEY_BYTES = 32;

/**
 * Runs a batch in order. Never throws for what a peer sent: a bad key gives undefined.
 *
 * @throws {UsageError} `secret-length`.
 */
export function runDerive(suite: Suite, batch: readonly DeriveOp[]): DeriveResult[] {
  const agreements = new Map<Uint8Array, Agree>();
  return batch.map((op) => {
    switch (op.op) {
      case 'x25519-public':
        return suite.x25519PublicKey(op.secret);
      case 'agree':
        return deriveKeys(suite, agreementsWith(op.secret, suite, agreements), op);
      case 'ed25519-sign':
        return suite.ed25519Sign(op.seed, op.message);
      case 'ed25519-verify':
        return suite.ed25519Verify(op.publicKey, op.message, op.signature);
    }
  });
}

/** @throws {UsageError} `secret-length`: the one thing in an operation that is no peer's. */
export function checkDeriveOp(op: DeriveOp): void {
  if ('secret' in op) checkSecretLength('secret', op.secret);
  if ('seed' in op) checkSecretLength('seed', op.seed);
}

/** For results that nobody has taken. */
export function wipeResults(results: readonly DeriveResult[]): void {
  for (const result of results) {
    if (result instanceof Uint8Array) wipe(result);
    else if (typeof result === 'object') wipe(...result);
  }
}

type Agree = ReturnType<Suite['x25519With']>;

/** Many operations of a batch have the same secret: the very same array. */
function agreementsWith(secret: Uint8Array, suite: Suite, known: Map<Uint8Array, Agree>): Agree {
  let agree = known.get(secret);
  if (agree === undefined) {
    agree = suite.x25519With(secret);
    known.set(secret, agree);
  }
  return agree;
}

function deriveKeys(
  suite: Suite,
  agree: Agree,
  { publicKey, salt, infos }: DeriveOp & { op: 'agree' },
): Uint8Array[] | undefined {
  const agreement = agreeOrUndefined(agree, publicKey);
  if (agreement === undefined) return undefined;
  try {
    return infos.map((info) => suite.hkdfSha256(agreement, salt, info, DERIVED_KEY_BYTES));
  } finally {
    wipe(agreement);
  }
}

function agreeOrUndefined(agree: Agree, publicKey: Uint8Array) {
  try {
    return agree(publicKey);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
