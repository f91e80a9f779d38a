/**
 * The theorem: the portable and the native suite are one function. The same bytes for the same
 * arguments, the same refusals for bad ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from './bytes.js';
import { OnlysumError, UsageError, WireError } from './errors.js';
import { nativeSuite } from './node/index.js';
import { portableSuite } from './portable.js';
import type { Suite } from './suite.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const data = fc.uint8Array({ maxLength: 300 });
/** Lengths around the edges of blocks, and long ones. */
const longData = fc.uint8Array({ maxLength: 3000, size: 'max' });
const FAST = { numRuns: 200 };
/** For what takes the portable suite milliseconds. */
const SLOW = { numRuns: 25 };

/** What a call comes to: the type and bytes of its value, or the class and code of its error. */
function outcome(call: (suite: Suite) => Uint8Array | boolean | undefined, suite: Suite): string {
  try {
    const value = call(suite);
    return value instanceof Uint8Array ? `${value.constructor.name} ${toHex(value)}` : `${value}`;
  } catch (error) {
    if (error instanceof OnlysumError) return `${error.name} ${error.code} ${error.message}`;
    throw error;
  }
}

function expectSame(call: (suite: Suite) => Uint8Array | boolean | undefined): void {
  expect(outcome(call, nativeSuite)).toBe(outcome(call, portableSuite));
}

describe('portable and native give identical bytes', () => {
  test('sha256', () => {
    fc.assert(
      fc.property(longData, (bytes) => expectSame((s) => s.sha256(bytes))),
      FAST,
    );
  });

  test('hmacSha256', () => {
    fc.assert(
      fc.property(data, longData, (k, bytes) => expectSame((s) => s.hmacSha256(k, bytes))),
      FAST,
    );
  });

  test('hkdfSha256, also with more than 1,024 bytes of info', () => {
    const length = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(32, 8160));
    fc.assert(
      fc.property(data, data, longData, length, (ikm, salt, info, n) =>
        expectSame((s) => s.hkdfSha256(ikm, salt, info, n)),
      ),
      FAST,
    );
  });

  test('x25519PublicKey and x25519 for any 32 bytes, canonical or not', () => {
    fc.assert(
      fc.property(key, key, (secret, u) => {
        expectSame((s) => s.x25519PublicKey(secret));
        expectSame((s) => s.x25519(secret, u));
        expectSame((s) => s.x25519With(secret)(u));
      }),
      SLOW,
    );
  });

  test('ed25519PublicKey, ed25519Sign, ed25519Verify', () => {
    fc.assert(
      fc.property(key, longData, fc.nat(95), fc.nat(7), (seed, message, at, bit) => {
        expectSame((s) => s.ed25519PublicKey(seed));
        expectSame((s) => s.ed25519Sign(seed, message));
        const publicKey = nativeSuite.ed25519PublicKey(seed);
        const signature = nativeSuite.ed25519Sign(seed, message);
        expect(portableSuite.ed25519Verify(publicKey, message, signature)).toBe(true);
        expect(nativeSuite.ed25519Verify(publicKey, message, signature)).toBe(true);
        const [target, place] = at < 64 ? [signature, at] : [publicKey, at - 64];
        target[place]! ^= 1 << bit;
        expect(portableSuite.ed25519Verify(publicKey, message, signature)).toBe(false);
        expect(nativeSuite.ed25519Verify(publicKey, message, signature)).toBe(false);
      }),
      SLOW,
    );
  });

  test('seal, and open of what the other sealed', () => {
    fc.assert(
      fc.property(key, longData, (k, plaintext) => {
        expectSame((s) => s.seal(k, plaintext));
        expect(portableSuite.open(k, nativeSuite.seal(k, plaintext))).toEqual(plaintext);
        expect(nativeSuite.open(k, portableSuite.seal(k, plaintext))).toEqual(plaintext);
      }),
      FAST,
    );
  });

  test('open gives undefined for a box with any bit changed, and for any other bytes', () => {
    fc.assert(
      fc.property(key, data, fc.nat(), fc.nat(7), data, (k, plaintext, at, bit, other) => {
        const box = portableSuite.seal(k, plaintext);
        box[at % box.length]! ^= 1 << bit;
        for (const suite of [portableSuite, nativeSuite]) {
          expect(suite.open(k, box)).toBeUndefined();
          expect(suite.open(k, other)).toBeUndefined();
        }
      }),
      FAST,
    );
  });

  test('stream', () => {
    fc.assert(
      fc.property(key, fc.nat(5000), (k, length) => {
        expectSame((s) => s.stream(k, length));
        expect(nativeSuite.stream(k, length)).toHaveLength(length);
      }),
      FAST,
    );
  });
});

describe.each([portableSuite, nativeSuite])('$name suite refuses', (suite) => {
  const good = new Uint8Array(32).fill(7);
  const publicKey = suite.x25519PublicKey(good);
  const none = new Uint8Array(0);

  test.each([0, 31, 33])('a secret of %i bytes', (length) => {
    const bad = new Uint8Array(length);
    const calls = [
      () => suite.x25519PublicKey(bad),
      () => suite.x25519(bad, publicKey),
      () => suite.x25519With(bad),
      () => suite.ed25519PublicKey(bad),
      () => suite.ed25519Sign(bad, none),
      () => suite.seal(bad, none),
      () => suite.open(bad, new Uint8Array(16)),
      () => suite.stream(bad, 1),
      () => suite.addStreams(new Uint32Array(1), [{ key: bad, sign: 1 }]),
    ];
    for (const call of calls) {
      expect(call).toThrow(UsageError);
      expect(call).toThrow(expect.objectContaining({ code: 'secret-length' }));
    }
  });

  test.each([0, 31, 33])('a peer’s key of %i bytes', (length) => {
    const call = () => suite.x25519With(good)(new Uint8Array(length));
    expect(call).toThrow(WireError);
    expect(call).toThrow(expect.objectContaining({ code: 'key-length', field: 'publicKey' }));
  });

  test.each([0, 8161, 1.5, -1, Number.NaN])('%d bytes of HKDF', (length) => {
    const call = () => suite.hkdfSha256(good, none, none, length);
    expect(call).toThrow(UsageError);
    expect(call).toThrow(expect.objectContaining({ code: 'length-invalid' }));
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 31])('%d bytes of stream', (length) => {
    const call = () => suite.stream(good, length);
    expect(call).toThrow(UsageError);
    expect(call).toThrow(expect.objectContaining({ code: 'length-invalid' }));
  });
});

test('the native suite returns bytes with a memory of their own, which wiping a neighbour spares', () => {
  const seed = new Uint8Array(32).fill(9);
  const results = [
    nativeSuite.sha256(seed),
    nativeSuite.hmacSha256(seed, seed),
    nativeSuite.hkdfSha256(seed, seed, seed, 42),
    nativeSuite.x25519PublicKey(seed),
    nativeSuite.x25519(seed, nativeSuite.x25519PublicKey(seed)),
    nativeSuite.ed25519PublicKey(seed),
    nativeSuite.ed25519Sign(seed, seed),
    nativeSuite.seal(seed, seed),
    nativeSuite.open(seed, nativeSuite.seal(seed, seed))!,
    nativeSuite.stream(seed, 42),
  ];
  for (const bytes of results) {
    expect(Buffer.isBuffer(bytes)).toBe(false);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  }
});
