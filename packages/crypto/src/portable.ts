/**
 * Suite 1 on noble: plain JavaScript that runs wherever ES2023 does.
 * Knows: how the primitives are called. Doesn't know: keys' owners, labels, protocol.
 * Invariant: the same bytes, the same refusals as the native suite (suites.property.test.ts).
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { addStreams } from './add-streams.js';
import { concatBytes, equalBytes } from './bytes.js';
import { kernel } from './kernel.js';
import {
  checkAgreementKey,
  checkHkdfLength,
  checkSecretLength,
  checkStreamLength,
} from './lengths.js';
import { mayBeEd25519Signature } from './public-keys.js';
import type { Suite } from './suite.js';

const NONCE = new Uint8Array(12);

export const portableSuite: Suite = {
  name: 'portable',

  sha256: (data) => sha256(data),

  hmacSha256: (key, data) => hmac(sha256, key, data),

  hkdfSha256(ikm, salt, info, length) {
    checkHkdfLength(length);
    return hkdf(sha256, ikm, salt, info, length);
  },

  x25519PublicKey(secret) {
    checkSecretLength('secret', secret);
    return x25519.getPublicKey(secret);
  },

  x25519(secret, publicKey) {
    checkSecretLength('secret', secret);
    checkAgreementKey(publicKey);
    return x25519.getSharedSecret(secret, publicKey);
  },

  x25519With: (secret) => {
    checkSecretLength('secret', secret);
    return (publicKey) => portableSuite.x25519(secret, publicKey);
  },

  ed25519PublicKey(seed) {
    checkSecretLength('seed', seed);
    return ed25519.getPublicKey(seed);
  },

  ed25519Sign(seed, message) {
    checkSecretLength('seed', seed);
    return ed25519.sign(message, seed);
  },

  ed25519Verify(publicKey, message, signature) {
    if (!mayBeEd25519Signature(publicKey, signature)) return false;
    return verifyCofactorless(publicKey, message, signature);
  },

  seal(key, plaintext) {
    checkSecretLength('key', key);
    return chacha20poly1305(key, NONCE).encrypt(plaintext);
  },

  open(key, box) {
    checkSecretLength('key', key);
    try {
      return chacha20poly1305(key, NONCE).decrypt(box);
    } catch {
      return undefined; // too short, or not authentic
    }
  },

  addStreams,

  stream(key, length) {
    checkSecretLength('key', key);
    checkStreamLength(length);
    return kernel.stream(key, length);
  },
};

/**
 * RFC 8032 section 5.1.7 without the cofactor, as OpenSSL does it: R is compared as bytes, so an R of
 * another spelling or with a part of small order fails. noble's own verify multiplies by 8.
 */
function verifyCofactorless(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { Point } = ed25519;
  const encodedR = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  let a: InstanceType<typeof Point>;
  try {
    a = Point.fromBytes(publicKey);
  } catch {
    return false; // y is not on the curve
  }
  const k = littleEndian(sha512(concatBytes(encodedR, publicKey, message))) % Point.Fn.ORDER;
  const r = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return equalBytes(r.toBytes(), encodedR);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
