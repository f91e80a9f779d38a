/**
 * A batch of public-key operations by WebCrypto, which works off the main thread.
 * Knows: how SubtleCrypto is called, and how to find out which operations it does as suite 1 has them.
 * Doesn't know: who asks, what runs in its place.
 * Invariant: the same bytes and the same refusals as `runDerive` on the portable suite, whatever the
 * platform is (web-crypto.property.test.ts). What it lacks, or fails at, is left to another runner.
 */
import { concatBytes, parseHex, toHex, wipe } from './bytes.js';
import { type DeriveOp, type DeriveResult, checkDeriveOp, wipeResults } from './derive.js';
import { isAgreementKey, mayBeEd25519Signature } from './public-keys.js';

/** Runs a batch in order, like `runDerive`. */
export type DeriveRunner = (batch: readonly DeriveOp[]) => Promise<DeriveResult[]>;

/** A CryptoKey. Opaque: only who made it reads it. */
type PlatformKey = object;

/** As wide as every library's own type of it. */
type Bytes = ArrayBufferView | ArrayBuffer;

interface Agreeing {
  readonly name: 'X25519';
  readonly public: PlatformKey;
}

interface Expanding {
  readonly name: 'HKDF';
  readonly hash: 'SHA-256';
  readonly salt: Bytes;
  readonly info: Bytes;
}

type Usage = 'deriveBits' | 'deriveKey' | 'sign' | 'verify';

/** What is used of the platform's `crypto.subtle`. */
export interface PlatformCrypto {
  importKey(
    format: 'pkcs8' | 'raw',
    bytes: Bytes,
    algorithm: Curve,
    isExtractable: boolean,
    usages: Usage[],
  ): Promise<PlatformKey>;
  deriveBits(
    algorithm: Agreeing | Expanding,
    key: PlatformKey,
    bits: number,
  ): Promise<ArrayBufferLike>;
  deriveKey(
    algorithm: Agreeing,
    key: PlatformKey,
    derivedFor: 'HKDF',
    isExtractable: boolean,
    usages: Usage[],
  ): Promise<PlatformKey>;
  sign(algorithm: 'Ed25519', key: PlatformKey, message: Bytes): Promise<ArrayBufferLike>;
  verify(
    algorithm: 'Ed25519',
    key: PlatformKey,
    signature: Bytes,
    message: Bytes,
  ): Promise<boolean>;
}

/**
 * Finds out at once, and once, what the platform can do.
 *
 * @returns what runs a batch, all of it at the same time; `rest` gets what the platform cannot, in its
 *   order. Rejects with {@link UsageError} `secret-length` and with what `rest` rejects with.
 */
export function webCryptoDerive(
  subtle: PlatformCrypto,
): (batch: readonly DeriveOp[], rest: DeriveRunner) => Promise<DeriveResult[]> {
  const supported = supportedBy(subtle);
  return async (batch, rest) => {
    for (const op of batch) checkDeriveOp(op);
    const names = await supported;
    const platform = new Platform(subtle);
    const results: DeriveResult[] = batch.map(() => undefined);
    const isLeft = batch.map((op) => !names.has(op.op));
    const runOne = async (op: DeriveOp, i: number): Promise<void> => {
      if (isLeft[i]) return;
      try {
        results[i] = await platform.run(op);
      } catch {
        isLeft[i] = true; // its fault or the peer's: the other runner tells
      }
    };
    await Promise.all(batch.map(runOne));
    const left = batch.filter((_, i) => isLeft[i]);
    if (left.length === 0) return results;
    try {
      const others = (await rest(left)).values();
      return results.map((result, i) => (isLeft[i] ? others.next().value : result));
    } catch (error) {
      wipeResults(results);
      throw error;
    }
  };
}

type Curve = 'X25519' | 'Ed25519';

/** PKCS #8 up to the 32 bytes of the secret. RFC 8410 section 7. */
const PKCS8_HEADERS: Readonly<Record<Curve, Uint8Array>> = {
  X25519: parseHex('X25519', '302e020100300506032b656e04220420', 16),
  Ed25519: parseHex('Ed25519', '302e020100300506032b657004220420', 16),
};
/** A secret is worth the least where it can be used for the least. */
const SECRET_USAGES: Readonly<Record<Curve, Usage[]>> = {
  X25519: ['deriveBits', 'deriveKey'],
  Ed25519: ['sign'],
};
/** RFC 7748 section 4.1: u = 9. A secret's agreement with it is the public key. */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));
const BITS = 256;

/** The keys of one batch: a secret that many operations share is imported once. */
class Platform {
  readonly #subtle: PlatformCrypto;
  readonly #secrets = {
    X25519: new Map<Uint8Array, Promise<PlatformKey>>(),
    Ed25519: new Map<Uint8Array, Promise<PlatformKey>>(),
  };

  constructor(subtle: PlatformCrypto) {
    this.#subtle = subtle;
  }

  /** Rejects with whatever the platform does not like, a peer's key or its own lack of an algorithm. */
  async run(op: DeriveOp): Promise<DeriveResult> {
    const subtle = this.#subtle;
    switch (op.op) {
      case 'x25519-public': {
        const algorithm = await this.#agreeing(BASE_POINT);
        const secret = await this.#secret('X25519', op.secret);
        return new Uint8Array(await subtle.deriveBits(algorithm, secret, BITS));
      }
      case 'agree':
        return isAgreementKey(op.publicKey) ? await this.#agree(op) : undefined;
      case 'ed25519-sign': {
        const key = await this.#secret('Ed25519', op.seed);
        return new Uint8Array(await subtle.sign('Ed25519', key, op.message));
      }
      case 'ed25519-verify': {
        const { publicKey, message, signature } = op;
        if (!mayBeEd25519Signature(publicKey, signature)) return false;
        const key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
        return subtle.verify('Ed25519', key, signature, message);
      }
    }
  }

  /** The agreement goes from key to key and never into bytes of ours. */
  async #agree(op: DeriveOp & { op: 'agree' }): Promise<Uint8Array[]> {
    const algorithm = await this.#agreeing(op.publicKey);
    const secret = await this.#secret('X25519', op.secret);
    const usages: Usage[] = ['deriveBits'];
    const agreement = await this.#subtle.deriveKey(algorithm, secret, 'HKDF', false, usages);
    return Promise.all(
      op.infos.map(async (info) => {
        const expanding = { name: 'HKDF', hash: 'SHA-256', salt: op.salt, info } as const;
        return new Uint8Array(await this.#subtle.deriveBits(expanding, agreement, BITS));
      }),
    );
  }

  async #agreeing(publicKey: Uint8Array): Promise<Agreeing> {
    const key = await this.#subtle.importKey('raw', publicKey, 'X25519', false, []);
    return { name: 'X25519', public: key };
  }

  #secret(curve: Curve, secret: Uint8Array): Promise<PlatformKey> {
    const known = this.#secrets[curve].get(secret);
    if (known !== undefined) return known;
    const imported = this.#importSecret(curve, secret);
    this.#secrets[curve].set(secret, imported);
    return imported;
  }

  async #importSecret(curve: Curve, secret: Uint8Array): Promise<PlatformKey> {
    const pkcs8 = concatBytes(PKCS8_HEADERS[curve], secret);
    try {
      return await this.#subtle.importKey('pkcs8', pkcs8, curve, false, SECRET_USAGES[curve]);
    } finally {
      wipe(pkcs8);
    }
  }
}

/** Results are compared as hex, keys of one agreement joined. */
type KnownAnswer = readonly [op: DeriveOp, answer: string | boolean];

const ONES = new Uint8Array(32).fill(1);
const NOTHING = new Uint8Array(0);
const X25519_OF_ONES = 'a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209';
const ED25519_OF_ONES = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c';
const SIGNATURE_OF_NOTHING =
  '778cda0634c021fae8b1a9fa655ba13230f6fcfc5c5d519afb0872ec9bf1d642' +
  '41cc3eed8ad47270d86d30e762ad17677c6fb1797e35bca7eba30388257e020f';
/** Its R has a part of order 8, so that only a verification with the cofactor takes it. */
const COFACTORED_SIGNATURE_OF_NOTHING =
  '98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819' +
  '69dc35419ba70f379453baa8ee596d5b100370de1e35643fc4ddb3ad038b7501';

/**
 * Answers of the portable suite, each where platforms may differ: in lacking the algorithm, in signing
 * with randomness, which RFC 8032 has not, or in verifying with the cofactor.
 */
const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  [{ op: 'x25519-public', secret: ONES }, X25519_OF_ONES],
  [
    {
      op: 'agree',
      secret: ONES,
      publicKey: parseHex('publicKey', X25519_OF_ONES, 32),
      salt: ONES,
      infos: [ONES],
    },
    'dda167e300e241c5cd7145ab1ac0f37dec60d8bed944355dc472f130ae9756b3',
  ],
  [{ op: 'ed25519-sign', seed: ONES, message: NOTHING }, SIGNATURE_OF_NOTHING],
  [verifying(SIGNATURE_OF_NOTHING), true],
  [verifying(COFACTORED_SIGNATURE_OF_NOTHING), false],
];

function verifying(signature: string): DeriveOp {
  return {
    op: 'ed25519-verify',
    publicKey: parseHex('publicKey', ED25519_OF_ONES, 32),
    message: NOTHING,
    signature: parseHex('signature', signature, 64),
  };
}

async function supportedBy(subtle: PlatformCrypto): Promise<ReadonlySet<DeriveOp['op']>> {
  const supported = new Set(KNOWN_ANSWERS.map(([{ op }]) => op));
  const checks = KNOWN_ANSWERS.map(async (known) => {
    if (!(await isAnswered(subtle, known))) supported.delete(known[0].op);
  });
  await Promise.all(checks);
  return supported;
}

async function isAnswered(subtle: PlatformCrypto, [op, answer]: KnownAnswer): Promise<boolean> {
  try {
    const result = await new Platform(subtle).run(op);
    if (typeof result !== 'object') return result === answer;
    return toHex(result instanceof Uint8Array ? result : concatBytes(...result)) === answer;
  } catch {
    return false; // the platform lacks an algorithm
  }
}
