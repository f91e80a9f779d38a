/**
 * The theorem: a batch by WebCrypto is the batch by the portable suite, whatever is asked and whatever
 * the platform lacks or does differently.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, parseHex } from './bytes.js';
import { type DeriveOp, type DeriveResult, runDerive } from './derive.js';
import { portableSuite } from './portable.js';
import { unsafeSeededRng } from './unsafe-seeded-rng.js';
import { type PlatformCrypto, webCryptoDerive } from './web-crypto.js';

const suite = portableSuite;
const platform: PlatformCrypto = globalThis.crypto.subtle;
const rng = unsafeSeededRng('web-crypto');
const bytes = (hex: string): Uint8Array => parseHex('hex', hex, hex.length / 2);

/** Runs what is left on the portable suite, and notes what it was. */
function noting() {
  const left: DeriveOp[] = [];
  const rest = async (batch: readonly DeriveOp[]): Promise<DeriveResult[]> => {
    left.push(...batch);
    return runDerive(suite, batch);
  };
  return { left, rest };
}

const secrets = [rng(32), rng(32), rng(32)] as const;
const peers = secrets.map((secret) => suite.x25519PublicKey(secret));
const signers = secrets.map((seed) => suite.ed25519PublicKey(seed));
const message = rng(150);
const signature = suite.ed25519Sign(secrets[0], message);

const honest: readonly DeriveOp[] = [
  { op: 'ed25519-verify', publicKey: signers[0]!, message, signature },
  { op: 'x25519-public', secret: secrets[0] },
  { op: 'agree', secret: secrets[0], publicKey: peers[1]!, salt: rng(32), infos: [rng(9), rng(9)] },
  { op: 'ed25519-sign', seed: secrets[0], message },
  { op: 'agree', secret: secrets[0], publicKey: peers[2]!, salt: rng(32), infos: [rng(100)] },
  { op: 'ed25519-verify', publicKey: signers[1]!, message, signature },
];

/** Low order, 0 to p + 1 in every spelling, twist, and u at its highest. */
const HOSTILE_U = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ...['ec', 'ed', 'ee', 'ef'].map((low) => `${low}${'ff'.repeat(30)}7f`),
  `${'00'.repeat(31)}80`,
  `09${'00'.repeat(30)}80`,
  'ff'.repeat(32),
].map(bytes);

/** Points of small order as R or key, spelt canonically and not, and one that is on no curve. */
const HOSTILE_POINTS = [
  `01${'00'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  '00'.repeat(32),
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ...['ec', 'ed', 'ee', 'f0'].map((low) => `${low}${'ff'.repeat(30)}7f`),
  `ee${'ff'.repeat(31)}`,
  `02${'00'.repeat(31)}`,
].map(bytes);

/** The order of the base point, and numbers around it. */
const HOSTILE_S = [
  'ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010',
  'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010',
  `${'00'.repeat(31)}20`,
  'ff'.repeat(32),
  '00'.repeat(32),
].map(bytes);

const L = ed25519.Point.Fn.ORDER;

/** The same signature modulo the order, for whoever does not look at S. */
function withHigherS(times: number): Uint8Array {
  const low = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`);
  const high = (low + BigInt(times) * L).toString(16).padStart(64, '0');
  return concatBytes(signature.slice(0, 32), new Uint8Array(Buffer.from(high, 'hex').reverse()));
}

const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const secret = fc.oneof(fc.constantFrom(...secrets), key);

const anyOp: fc.Arbitrary<DeriveOp> = fc.oneof(
  fc.record({ op: fc.constant('x25519-public' as const), secret }),
  fc.record({
    op: fc.constant('agree' as const),
    secret,
    publicKey: fc.oneof(
      { arbitrary: fc.constantFrom(...peers), weight: 3 },
      fc.constantFrom(...HOSTILE_U),
      key,
      anyBytes(40),
    ),
    salt: anyBytes(64),
    infos: fc.array(
      fc.oneof(
        anyBytes(300),
        fc.integer({ min: 1000, max: 1100 }).map((n) => new Uint8Array(n)),
      ),
      { maxLength: 3 },
    ),
  }),
  fc.record({ op: fc.constant('ed25519-sign' as const), seed: secret, message: anyBytes(300) }),
  fc.record({
    op: fc.constant('ed25519-verify' as const),
    publicKey: fc.oneof(
      { arbitrary: fc.constantFrom(...signers), weight: 3 },
      fc.constantFrom(...HOSTILE_POINTS),
      key,
      anyBytes(40),
    ),
    message: fc.oneof({ arbitrary: fc.constant(message), weight: 3 }, anyBytes(40)),
    signature: fc.oneof(
      { arbitrary: fc.constant(signature), weight: 2 },
      fc.integer({ min: 1, max: 15 }).map(withHigherS),
      fc
        .tuple(fc.constantFrom(...HOSTILE_POINTS), fc.oneof(fc.constantFrom(...HOSTILE_S), key))
        .map(([r, s]) => concatBytes(r, s)),
      fc
        .tuple(fc.nat(63), fc.nat(7))
        .map(([at, bit]) => signature.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte))),
      anyBytes(70),
    ),
  }),
);
const batches = fc.array(anyOp, { maxLength: 6 });

/** The real one, but for what is changed. */
function changed(change: Partial<PlatformCrypto>): PlatformCrypto {
  return {
    importKey: (...of) => platform.importKey(...of),
    deriveBits: (...of) => platform.deriveBits(...of),
    deriveKey: (...of) => platform.deriveKey(...of),
    sign: (...of) => platform.sign(...of),
    verify: (...of) => platform.verify(...of),
    ...change,
  };
}

const notSupported = (): never => {
  throw new DOMException('unrecognised name', 'NotSupportedError');
};

function without(curve: 'X25519' | 'Ed25519'): PlatformCrypto {
  return changed({
    importKey: async (...of) => (of[2] === curve ? notSupported() : platform.importKey(...of)),
  });
}

/** What verifies, kept from key to verification as platforms do. */
const imported = new WeakMap<object, Uint8Array>();

const PLATFORMS: readonly (readonly [string, PlatformCrypto, DeriveOp['op'][]])[] = [
  ['has everything', platform, []],
  ['has no X25519', without('X25519'), ['x25519-public', 'agree']],
  ['has no Ed25519', without('Ed25519'), ['ed25519-sign', 'ed25519-verify']],
  ['derives no keys for HKDF', changed({ deriveKey: async () => notSupported() }), ['agree']],
  [
    'has nothing',
    changed({ importKey: async () => notSupported() }),
    ['x25519-public', 'agree', 'ed25519-sign', 'ed25519-verify'],
  ],
  [
    'signs with randomness',
    changed({
      sign: async (...of) =>
        new Uint8Array(await platform.sign(...of)).map((byte) => byte ^ 1).buffer,
    }),
    ['ed25519-sign'],
  ],
  [
    'verifies with the cofactor',
    changed({
      importKey: async (...of) => {
        const made = await platform.importKey(...of);
        imported.set(made, of[1] as Uint8Array);
        return made;
      },
      verify: async (_, publicKey, signed, about) => {
        const lenient = [
          signed as Uint8Array,
          about as Uint8Array,
          imported.get(publicKey)!,
        ] as const;
        return ed25519.verify(...lenient, { zip215: true });
      },
    }),
    ['ed25519-verify'],
  ],
];

describe.each(PLATFORMS)('a platform that %s', (_, subtle, lacking) => {
  const run = webCryptoDerive(subtle);

  test('leaves just what it lacks, and gives what the portable suite gives', async () => {
    const { left, rest } = noting();
    expect(await run(honest, rest)).toEqual(runDerive(suite, honest));
    expect(left).toEqual(honest.filter(({ op }) => lacking.includes(op)));
  });

  test('gives what the portable suite gives for any batch', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        expect(await run(batch, noting().rest)).toEqual(runDerive(suite, batch));
      }),
      { numRuns: 60 },
    );
  });
});

test('a platform that agrees even on a point of low order does not get to', async () => {
  const zero = await globalThis.crypto.subtle.importKey('raw', new Uint8Array(32), 'HKDF', false, [
    'deriveBits',
  ]);
  const lax = changed({
    deriveKey: async (...of) => platform.deriveKey(...of).catch(() => zero),
  });
  const batch = HOSTILE_U.map((publicKey): DeriveOp => {
    return { op: 'agree', secret: secrets[0], publicKey, salt: message, infos: [message] };
  });
  const { left, rest } = noting();
  expect(await webCryptoDerive(lax)(batch, rest)).toEqual(runDerive(suite, batch));
  expect(left).toEqual([]);
});
