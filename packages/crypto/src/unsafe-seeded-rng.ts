/**
 * A repeatable Rng for tests and simulation ONLY: whoever knows the seed knows every "secret" drawn
 * from it. Nothing that faces a real device, coordinator or registrar may use it.
 * Invariant: the output depends on the seed and the number of bytes drawn before, not on how the
 * draws were cut.
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from './bytes.js';
import type { Rng } from './suite.js';

const BLOCK_BYTES = 64;
/** Blocks made at a time: small draws should not pay for a cipher set-up each. */
const CHUNK_BLOCKS = 16;
const NONCE = new Uint8Array(12);

/** The ChaCha20 key stream (zero nonce, counter from 0) under the key SHA-256(seed). */
export function unsafeSeededRng(seed: Uint8Array | string): Rng {
  const key = sha256(typeof seed === 'string' ? utf8(seed) : seed);
  let counter = 0;
  let chunk: Uint8Array = new Uint8Array(0);
  return (length) => {
    const out = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      if (chunk.length === 0) {
        const zeros = new Uint8Array(CHUNK_BLOCKS * BLOCK_BYTES);
        chunk = chacha20(key, NONCE, zeros, undefined, counter);
        counter += CHUNK_BLOCKS;
      }
      const taken = chunk.subarray(0, length - at);
      out.set(taken, at);
      at += taken.length;
      chunk = chunk.subarray(taken.length);
    }
    return out;
  };
}
