/**
 * The kernel: the three loops that a profile of a round shows, made once in WebAssembly SIMD and once in
 * plain JavaScript, and chosen when this module is loaded.
 * Knows: streams, lanes, symbols. Doesn't know: masks, devices, shares, who owns a key.
 * Invariant: both give the same bytes (kernel.test.ts), and keep nothing of a key, lane or secret.
 */
import { scalarKernel } from './scalar-kernel.js';
import { simdKernel } from './simd-kernel.js';

/** The ChaCha20 key stream of `key` (RFC 8439, zero nonce, from block 0), to be added or subtracted. */
export interface SignedStream {
  /** 32 bytes; borrowed, the caller wipes it. */
  readonly key: Uint8Array;
  readonly sign: 1 | -1;
}

export interface Kernel {
  readonly name: 'simd' | 'scalar';
  /** Lane j takes ± the j-th little-endian 32-bit word of each stream, modulo 2^32. */
  addStreams(lanes: Uint32Array, streams: readonly SignedStream[]): void;
  /** @returns the stream's first `length` bytes. */
  stream(key: Uint8Array, length: number): Uint8Array;
  /**
   * Evaluates 16 secret polynomials over GF(2^16) at public points. Symbols are packed in pairs, two to
   * a u32, so that 8 pairs make a row.
   *
   * @param coefficients - rows, the constant one first; borrowed.
   * @param xs - 1…65535.
   * @returns a row for each x, owned by the caller, who wipes it.
   */
  evaluate(coefficients: Uint32Array, xs: readonly number[]): Uint32Array;
  /**
   * S_m = Σ_i weight_i · x_i^m · row_i for m < count, over GF(2^16).
   *
   * @param rows - secret rows; spoilt, the caller wipes them.
   * @param weights - one for each row, 1…65535, public.
   * @param xs - one for each row, 1…65535, public.
   * @returns `count` rows, owned by the caller, who wipes them.
   */
  powerSums(
    rows: Uint32Array,
    weights: readonly number[],
    xs: readonly number[],
    count: number,
  ): Uint32Array;
}

export const kernel: Kernel = simdKernel() ?? scalarKernel;
