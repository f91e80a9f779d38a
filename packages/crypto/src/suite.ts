/**
 * A crypto suite: the primitives of suite 1, as bytes in and bytes out.
 * Two implementations, portable (noble) and native (node:crypto), give identical bytes.
 */
import type { SignedStream } from './kernel.js';

/** Suite 1: X25519, HKDF-SHA-256, ChaCha20, ChaCha20-Poly1305, Ed25519, SHA-256. */
export const SUITE_ID = 1;

/** Returns `length` bytes from a CSPRNG. Repeated output reveals secrets. */
export type Rng = (length: number) => Uint8Array;

export interface Suite {
  readonly name: 'portable' | 'native';
  /** @returns 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** @returns 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** RFC 5869 extract and expand. @param length - 1…8160 bytes. */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** RFC 7748. @param secret - 32 bytes, borrowed. @returns the 32-byte u-coordinate. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /**
   * RFC 7748 key agreement.
   *
   * @returns 32 bytes, owned by the caller, who wipes them.
   * @throws {WireError} `key-low-order` if the result is all zero; `key-length` on a wrong length.
   */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /**
   * {@link x25519} for one secret and many peers: what depends on the secret alone is done once. The
   * platform may keep a copy of the secret until what is returned is collected.
   */
  x25519With(secret: Uint8Array): (publicKey: Uint8Array) => Uint8Array;
  /** RFC 8032. @param seed - 32 bytes, borrowed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** RFC 8032. @returns 64 bytes. */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * RFC 8032, cofactorless, S < L, R and public key canonical and not of small order. Never throws:
   * wrong lengths are simply not a signature.
   */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 8439 AEAD, zero nonce, no associated data. One message per key, ever. @returns plaintext + 16 bytes. */
  seal(key: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** @returns the plaintext, or undefined if the box is not authentic. */
  open(key: Uint8Array, box: Uint8Array): Uint8Array | undefined;
  /**
   * Adds or subtracts RFC 8439 ChaCha20 key streams, zero nonce, counter from 0: lane j takes ± the j-th
   * little-endian 32-bit word of each, modulo 2^32. Many streams in one call cost least.
   *
   * @param streams - keys of 32 bytes, borrowed.
   */
  addStreams(lanes: Uint32Array, streams: readonly SignedStream[]): void;
  /** RFC 8439 ChaCha20 key stream, zero nonce, counter from 0. @param length - bytes. */
  stream(key: Uint8Array, length: number): Uint8Array;
}
