import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors.js';
import { nativeSuite } from './node/index.js';
import { portableSuite } from './portable.js';
import { ed25519KeyProblem, mayBeEd25519Signature, x25519KeyProblem } from './public-keys.js';

const { Point } = ed25519;
const { Fp } = Point;
const P = Fp.ORDER;
const TOP_BIT = 1n << 255n;

const littleEndian = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());

/** The 8 points whose order divides 8: L times any point with a part of order 8, and its multiples. */
function smallOrderPoints(): InstanceType<typeof Point>[] {
  for (let y = 2n; ; y++) {
    let point: InstanceType<typeof Point>;
    try {
      point = Point.fromBytes(littleEndian(y));
    } catch {
      continue;
    }
    const torsion = point.multiplyUnsafe(Point.Fn.ORDER - 1n).add(point);
    const multiples = [Point.ZERO];
    for (let i = 1; i < 8; i++) multiples.push(multiples[i - 1]!.add(torsion));
    if (new Set(multiples.map((p) => p.toHex())).size === 8) return multiples;
  }
}

/** u = (1 + y) / (1 − y) for those but the neutral point, and −1, of order 4 on the twist. */
function lowOrderUs(): bigint[] {
  const ys = smallOrderPoints().map((point) => point.y);
  const us = ys.filter((y) => y !== 1n).map((y) => Fp.div(Fp.add(1n, y), Fp.sub(1n, y)));
  return [...new Set([...us, P - 1n])];
}

/** Every encoding of those, for a reader that drops the top bit and reduces. */
function lowOrderEncodings(): Uint8Array[] {
  const values = [...lowOrderUs(), P, P + 1n];
  return values.flatMap((u) => [littleEndian(u), littleEndian(u + TOP_BIT)]);
}

describe('x25519KeyProblem', () => {
  test('refuses each value of low order, of which there are five', () => {
    expect(lowOrderUs()).toHaveLength(5);
    for (const u of lowOrderUs()) {
      expect(x25519KeyProblem(littleEndian(u))).toBe('is a point of low order');
    }
  });

  test.each([
    ['p', P],
    ['p + 1', P + 1n],
    ['p + 9', P + 9n],
    ['2^255 − 1', TOP_BIT - 1n],
    ['9 with the top bit', TOP_BIT + 9n],
    ['p with the top bit', TOP_BIT + P],
  ])('refuses u = %s', (_, u) => {
    expect(x25519KeyProblem(littleEndian(u))).toBe('is not canonical');
  });

  test.each([0, 31, 33])('refuses %i bytes', (length) => {
    const problem = x25519KeyProblem(new Uint8Array(length).fill(9));
    expect(problem).toBe(`has ${length} bytes, expected 32`);
  });

  test.each([
    ['2', 2n],
    ['9', 9n],
    ['p − 2', P - 2n],
    ['p − 256', P - 256n],
    ['2^248', 1n << 248n],
  ])('lets u = %s pass', (_, u) => {
    expect(x25519KeyProblem(littleEndian(u))).toBeUndefined();
  });

  test('lets every key that a suite makes pass', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secret) => {
        expect(x25519KeyProblem(nativeSuite.x25519PublicKey(secret))).toBeUndefined();
        expect(ed25519KeyProblem(nativeSuite.ed25519PublicKey(secret))).toBeUndefined();
      }),
    );
  });
});

describe('agreement with a key of low order', () => {
  test('is zero in OpenSSL, which refuses it: the list holds nothing else', () => {
    const { privateKey } = generateKeyPairSync('x25519');
    for (const encoded of lowOrderEncodings()) {
      const x = Buffer.from(encoded).toString('base64url');
      const key = { kty: 'OKP', crv: 'X25519', x };
      const publicKey = createPublicKey({ format: 'jwk', key });
      expect(() => diffieHellman({ privateKey, publicKey })).toThrow();
    }
  });

  test.each([portableSuite, nativeSuite])('throws in the $name suite', (suite) => {
    const secret = new Uint8Array(32).fill(5);
    for (const encoded of lowOrderEncodings()) {
      const call = () => suite.x25519(secret, encoded);
      expect(call).toThrow(WireError);
      expect(call).toThrow(expect.objectContaining({ code: 'key-low-order' }));
    }
  });

  test.each([portableSuite, nativeSuite])(
    '$name: other spellings agree as RFC 7748 has it',
    (suite) => {
      const secret = new Uint8Array(32).fill(5);
      const nine = suite.x25519(secret, littleEndian(9n));
      expect(nine).toEqual(suite.x25519PublicKey(secret));
      expect(suite.x25519(secret, littleEndian(P + 9n))).toEqual(nine);
      expect(suite.x25519(secret, littleEndian(9n + TOP_BIT))).toEqual(nine);
    },
  );
});

describe('ed25519KeyProblem', () => {
  test('refuses each of the 8 points of small order', () => {
    for (const point of smallOrderPoints()) {
      expect(ed25519KeyProblem(point.toBytes())).toBe('is a point of small order');
    }
  });

  test('refuses x = 0 with a sign, whose y is of small order', () => {
    expect(ed25519KeyProblem(littleEndian(1n + TOP_BIT))).toBe('is a point of small order');
    expect(ed25519KeyProblem(littleEndian(P - 1n + TOP_BIT))).toBe('is a point of small order');
  });

  test('refuses y ≥ p with either sign', () => {
    for (let y = P; y < TOP_BIT; y++) {
      expect(ed25519KeyProblem(littleEndian(y))).toBe('is not canonical');
      expect(ed25519KeyProblem(littleEndian(y + TOP_BIT))).toBe('is not canonical');
    }
  });

  test.each([0, 31, 33])('refuses %i bytes', (length) => {
    const problem = ed25519KeyProblem(new Uint8Array(length).fill(9));
    expect(problem).toBe(`has ${length} bytes, expected 32`);
  });

  test('lets the base point and its negative pass', () => {
    expect(ed25519KeyProblem(Point.BASE.toBytes())).toBeUndefined();
    expect(ed25519KeyProblem(Point.BASE.negate().toBytes())).toBeUndefined();
  });
});

/** What is left to a platform's own arithmetic must not depend on what the platform is lenient about. */
describe('mayBeEd25519Signature', () => {
  const publicKey = Point.BASE.toBytes();
  const [r, s] = [Point.BASE.negate().toBytes(), littleEndian(5n)];
  const mayBe = (r: Uint8Array, s: Uint8Array) =>
    mayBeEd25519Signature(publicKey, new Uint8Array([...r, ...s]));

  test('refuses S from the order of the base point on, and no S below', () => {
    const order = Point.Fn.ORDER;
    for (const refused of [order, order + 1n, 2n * order, TOP_BIT, 2n * TOP_BIT - 1n]) {
      expect(mayBe(r, littleEndian(refused))).toBe(false);
    }
    for (const passed of [0n, 1n, 2n ** 252n, order - 256n, order - 1n]) {
      expect(mayBe(r, littleEndian(passed))).toBe(true);
    }
  });

  test('refuses R spelt with y ≥ p, with either sign, and of small order', () => {
    for (let y = P; y < TOP_BIT; y++) {
      expect(mayBe(littleEndian(y), s)).toBe(false);
      expect(mayBe(littleEndian(y + TOP_BIT), s)).toBe(false);
    }
    for (const point of smallOrderPoints()) expect(mayBe(point.toBytes(), s)).toBe(false);
  });

  test('refuses a key that has a problem', () => {
    const signature = new Uint8Array([...r, ...s]);
    expect(mayBeEd25519Signature(publicKey, signature)).toBe(true);
    expect(mayBeEd25519Signature(littleEndian(1n), signature)).toBe(false);
  });
});

test('a JWK of a secret key yields the public key that OpenSSL computes, whatever its x says', () => {
  const seed = new Uint8Array(32).fill(3);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const x = createPublicKey(privateKey).export({ format: 'jwk' }).x!;
  expect(nativeSuite.ed25519PublicKey(seed)).toEqual(new Uint8Array(Buffer.from(x, 'base64url')));
});
