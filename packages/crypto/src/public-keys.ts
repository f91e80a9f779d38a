/**
 * Which public keys are refused: one point, one spelling, and no point whose multiples are few.
 * Knows: encodings on Curve25519 and edwards25519. Doesn't know: whose key it is.
 * Invariant: of two keys that pass, different bytes are different points.
 *
 * The values of low order are those of Bernstein's list (https://cr.yp.to/ecdh.html#validate) and of
 * "Taming the many EdDSAs" (https://eprint.iacr.org/2020/1244, table 1); public-keys.test.ts computes
 * them again from the curve.
 */
import { parseHex, toHex } from './bytes.js';

/**
 * @param publicKey - an X25519 u-coordinate, little-endian.
 * @returns what is wrong with it, as in `public key ${problem}`, or undefined if a peer may use it:
 * 32 bytes, u < 2^255 − 19 with the top bit clear, not of low order on the curve or its twist.
 */
export function x25519KeyProblem(publicKey: Uint8Array): string | undefined {
  if (publicKey.length !== 32) return `has ${publicKey.length} bytes, expected 32`;
  if (publicKey[31]! > 0x7f || !isBelowPrime(publicKey)) return 'is not canonical';
  if (isLowOrderU(publicKey)) return 'is a point of low order';
  return undefined;
}

/** Whether X25519 has an agreement with this key: 32 bytes, not of low order. */
export function isAgreementKey(publicKey: Uint8Array): boolean {
  return publicKey.length === 32 && !isLowOrderU(publicKey);
}

/**
 * @param publicKey - an Ed25519 point, encoded as in RFC 8032.
 * @returns what is wrong with it, as in `public key ${problem}`, or undefined: 32 bytes,
 * y < 2^255 − 19, not one of the 8 points of small order. Whether y is on the curve is left to the
 * verification, which fails if it is not.
 */
export function ed25519KeyProblem(publicKey: Uint8Array): string | undefined {
  if (publicKey.length !== 32) return `has ${publicKey.length} bytes, expected 32`;
  if (!isBelowPrime(publicKey)) return 'is not canonical';
  if (isSmallOrder(publicKey)) return 'is a point of small order';
  return undefined;
}

/**
 * What is asked before any arithmetic, whoever does it: lengths, a key without a problem, S below the
 * order of the base point, and an R that is spelt canonically and not of small order. No honest
 * signature has another R, and implementations differ on them: OpenSSL 3.0 accepts small order, 3.5
 * refuses it; some compare R as bytes, others as a point.
 */
export function mayBeEd25519Signature(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  if (isSmallOrder(r) || !isBelowPrime(r) || !isBelowOrder(signature.subarray(32))) return false;
  return ed25519KeyProblem(publicKey) === undefined;
}

/**
 * Whether X25519 with this key gives zero for every secret, spelt canonically or not.
 *
 * @param publicKey - 32 bytes; the top bit is ignored, as RFC 7748 section 5 has it.
 */
export function isLowOrderU(publicKey: Uint8Array): boolean {
  return isOneOf(LOW_ORDER_U, publicKey);
}

const ZERO = '0000000000000000000000000000000000000000000000000000000000000000';
const ONE = '0100000000000000000000000000000000000000000000000000000000000000';
const P_MINUS_1 = 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f';
const P = 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f';
const P_PLUS_1 = 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f';

/** Orders 2 (u = 0), 4 (u = 1; on the twist u = −1) and 8, with the other spellings of 0 and 1. */
const LOW_ORDER_U = encodings(
  ZERO,
  ONE,
  P_MINUS_1,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  P,
  P_PLUS_1,
);

/** y of the points of order 1 (1), 2 (−1), 4 (0) and 8; the sign of x does not matter. */
const SMALL_ORDER_Y = encodings(
  ONE,
  P_MINUS_1,
  ZERO,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
);

function isSmallOrder(encodedPoint: Uint8Array): boolean {
  return isOneOf(SMALL_ORDER_Y, encodedPoint);
}

/** Whether the low 255 bits are below p = 2^255 − 19. */
function isBelowPrime(encoded: Uint8Array): boolean {
  if (encoded[0]! < 0xed || (encoded[31]! & 0x7f) !== 0x7f) return true;
  return encoded.subarray(1, 31).some((byte) => byte !== 0xff);
}

/** 2^252 + 27742317777372353535851937790883648493, little-endian. RFC 8032 section 5.1. */
const ORDER = parseHex('L', `edd3f55c1a631258d69cf7a2def9de14${'00'.repeat(15)}10`, 32);

function isBelowOrder(s: Uint8Array): boolean {
  const highest = s.findLastIndex((byte, i) => byte !== ORDER[i]);
  return highest >= 0 && s[highest]! < ORDER[highest]!;
}

/** Encodings, and their first bytes: nearly every other encoding is told apart by its first. */
interface Encodings {
  readonly hex: ReadonlySet<string>;
  readonly firstBytes: ReadonlySet<number>;
}

function encodings(...hex: readonly string[]): Encodings {
  const firstBytes = hex.map((each) => Number.parseInt(each.slice(0, 2), 16));
  return { hex: new Set(hex), firstBytes: new Set(firstBytes) };
}

/** Whether it is listed; its top bit is ignored. */
function isOneOf({ hex, firstBytes }: Encodings, encoded: Uint8Array): boolean {
  if (!firstBytes.has(encoded[0]!)) return false;
  const masked = encoded.slice();
  masked[31]! &= 0x7f;
  return hex.has(toHex(masked));
}
