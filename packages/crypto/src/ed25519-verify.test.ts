/**
 * Signatures on which implementations of Ed25519 disagree, after "Taming the many EdDSAs"
 * (https://eprint.iacr.org/2020/1244), each one made here from its definition. Both suites and WebCrypto
 * must give the same verdict: a registrar and a device that differ would see different rosters.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { concatBytes, utf8 } from './bytes.js';
import { nativeSuite } from './node/index.js';
import { portableSuite } from './portable.js';
import { webCryptoDerive } from './web-crypto.js';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;

const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const TORSION = Point.fromBytes(
  new Uint8Array(
    Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex'),
  ),
);

const torsion = (times: number): Point => {
  let sum = Point.ZERO;
  for (let i = 0; i < times; i++) sum = sum.add(TORSION);
  return sum;
};

const fromLittleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

const littleEndian = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());

const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint =>
  fromLittleEndian(sha512(concatBytes(r, a, message))) % L;

interface Case {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** The secret scalar and the nonce of every case; any will do. */
const SCALAR = 0x1234567890abcdefn;
const NONCE = 0xfedcba0987654321n;

/** Signs with a key and an R that may have parts of small order, in encodings of one's choice. */
function craft(options: {
  message?: string;
  scalar?: bigint;
  nonce?: bigint;
  keyTorsion?: number;
  nonceTorsion?: number;
  publicKey?: Uint8Array;
  r?: Uint8Array;
  tweakS?: (s: bigint) => bigint;
}): Case & { readonly k: bigint } {
  const message = utf8(options.message ?? 'message');
  const scalar = options.scalar ?? SCALAR;
  const nonce = options.nonce ?? NONCE;
  const a = Point.BASE.multiplyUnsafe(scalar).add(torsion(options.keyTorsion ?? 0));
  const publicKey = options.publicKey ?? a.toBytes();
  const r =
    options.r ??
    Point.BASE.multiplyUnsafe(nonce)
      .add(torsion(options.nonceTorsion ?? 0))
      .toBytes();
  const k = challenge(r, publicKey, message);
  const s = (nonce + k * scalar) % L;
  const signature = concatBytes(r, littleEndian(options.tweakS?.(s) ?? s));
  return { publicKey, message, signature, k };
}

/** The first crafted case that satisfies `wanted`, over messages. */
function search(
  make: (message: string) => ReturnType<typeof craft>,
  wanted: (k: bigint) => boolean,
): Case {
  for (let i = 0; ; i++) {
    const made = make(`message ${i}`);
    if (wanted(made.k)) return made;
  }
}

const lenient = ({ publicKey, message, signature }: Case): boolean =>
  ed25519.verify(signature, message, publicKey, { zip215: true });

const byWebCrypto = webCryptoDerive(globalThis.crypto.subtle);

async function expectVerdict(crafted: Case, verdict: boolean): Promise<void> {
  const { publicKey, message, signature } = crafted;
  for (const suite of [portableSuite, nativeSuite]) {
    expect(suite.ed25519Verify(publicKey, message, signature), suite.name).toBe(verdict);
  }
  const op = { op: 'ed25519-verify', publicKey, message, signature } as const;
  expect(await byWebCrypto([op], nothingElse), 'WebCrypto').toEqual([verdict]);
}

/** Every verdict must be WebCrypto's own. */
const nothingElse = (): never => {
  throw new RangeError('left to another runner');
};

test('TORSION has order 8', () => {
  expect(torsion(4).equals(Point.ZERO)).toBe(false);
  expect(torsion(8).equals(Point.ZERO)).toBe(true);
});

describe('accepted', () => {
  test('a plain signature', () => expectVerdict(craft({}), true));

  test('a key with a part of small order, where the challenge happens to cancel it', async () => {
    const made = search(
      (message) => craft({ message, keyTorsion: 1 }),
      (k) => k % 8n === 0n,
    );
    await expectVerdict(made, true);
  });

  test('parts of small order in key and R that cancel', async () => {
    const made = search(
      (message) => craft({ message, keyTorsion: 1, nonceTorsion: 3 }),
      (k) => k % 8n === 5n, // R' = R − k·T = nonce·B − 5·T = nonce·B + 3·T
    );
    await expectVerdict(made, true);
  });
});

describe('refused, though a cofactored or lenient verifier accepts', () => {
  test.each([1, 2, 4, 7])('R plus %i times a point of order 8', async (nonceTorsion) => {
    const made = craft({ nonceTorsion });
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test.each([1, 2, 4, 7])('key plus %i times a point of order 8', async (keyTorsion) => {
    const made = search(
      (message) => craft({ message, keyTorsion }),
      (k) => (BigInt(keyTorsion) * k) % 8n !== 0n,
    );
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test('parts of small order in key and R that do not cancel', async () => {
    const made = search(
      (message) => craft({ message, keyTorsion: 1, nonceTorsion: 1 }),
      (k) => k % 8n !== 7n,
    );
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7])('R = %i times a point of order 8', async (nonceTorsion) => {
    const made = craft({ nonce: 0n, nonceTorsion });
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test('R of order 8 that the key’s own part of small order would cancel', async () => {
    const made = search(
      (message) => craft({ message, nonce: 0n, keyTorsion: 1, nonceTorsion: 3 }),
      (k) => k % 8n === 5n,
    );
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test('R spelt with y ≥ p', async () => {
    const made = craft({ nonce: 0n, r: littleEndian(P + 1n) });
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test('R spelt with the sign of x = 0', async () => {
    const made = craft({ nonce: 0n, r: littleEndian(1n + (1n << 255n)) });
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  // With such a key one signature holds for every message whose challenge kills its small order.
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('key %i times a point of order 8', async (keyTorsion) => {
    const made = search(
      (message) => craft({ message, scalar: 0n, keyTorsion }),
      (k) => k % 8n === 0n,
    );
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });

  test.each([
    ['y = p + 1', P + 1n],
    ['y = p', P],
    ['y = 1 with the sign of x = 0', 1n + (1n << 255n)],
    ['y = p + 1 with the sign of x = 0', P + 1n + (1n << 255n)],
    ['y = p − 1 with the sign of x = 0', P - 1n + (1n << 255n)],
  ])('key of small order spelt %s', async (_, y) => {
    const made = search(
      (message) => craft({ message, scalar: 0n, publicKey: littleEndian(y) }),
      (k) => k % 8n === 0n,
    );
    expect(lenient(made)).toBe(true);
    await expectVerdict(made, false);
  });
});

describe('refused everywhere', () => {
  test.each([1n, 2n, 8n, 15n])('S + %d·L', async (times) => {
    await expectVerdict(craft({ tweakS: (s) => s + times * L }), false);
  });

  test('S of another signature', async () => {
    await expectVerdict(craft({ tweakS: (s) => (s + 1n) % L }), false);
  });

  test('a key that is on no curve, and an R that is on none', async () => {
    const offCurve = littleEndian(2n);
    expect(() => Point.fromBytes(offCurve)).toThrow();
    await expectVerdict(craft({ publicKey: offCurve }), false);
    await expectVerdict(craft({ r: offCurve }), false);
  });

  test.each([0, 31, 33, 64])('a key of %i bytes', async (length) => {
    await expectVerdict(craft({ publicKey: new Uint8Array(length).fill(1) }), false);
  });

  test.each([0, 32, 63, 65, 128])('a signature of %i bytes', async (length) => {
    const made = craft({});
    const padded = concatBytes(made.signature, new Uint8Array(64));
    await expectVerdict({ ...made, signature: padded.subarray(0, length) }, false);
  });
});
