/**
 * The kernel in WebAssembly SIMD (../kernel/assembly): one page of memory, what to put where, and when.
 * Knows: the page's layout. Doesn't know: what a lane or a secret means.
 * Invariant: between calls the page holds zeros: each call wipes what it wrote.
 *
 * The module stays below 4,096 bytes, which is the most that some browsers compile synchronously on
 * their main thread.
 */
import { wipe } from './bytes.js';
import { PAIRS } from './gf65536.js';
import { KERNEL_MODULE } from './kernel-module.js';
import type { Kernel, SignedStream } from './kernel.js';

/** Where WebAssembly is missing this is a ReferenceError, which is caught. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** As in ../kernel/assembly. Addresses are bytes. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  addStreams(
    lanes: number,
    quads: number,
    states: number,
    flips: number,
    count: number,
    counter: number,
    scratch: number,
  ): void;
  evaluate(
    coefficients: number,
    count: number,
    xs: number,
    values: number,
    valueCount: number,
  ): void;
  addPowers(row: number, x: number, sums: number, count: number): void;
}

const QUAD_LANES = 64;
const BLOCK_LANES = 16;
const STATE_WORDS = 16;
const ROW_BYTES = 4 * PAIRS;
/** "expand 32-byte k", the first four words of a state. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** States written before a call. Even, so that only the last one of all has no partner. */
const BATCH_STREAMS = 64;
/**
 * As many lanes at a time as stay in a processor’s nearest cache under all their streams. Whole pairs of
 * quads, so that chunks begin where blocks do.
 */
const CHUNK_LANES = 6144;
const CHUNK_ROWS = 256;

// The page, while it adds streams.
const SCRATCH = 0;
const STATES = SCRATCH + 2 * 4 * QUAD_LANES;
const FLIPS = STATES + 4 * STATE_WORDS * BATCH_STREAMS;
const LANES = FLIPS + 4 * BATCH_STREAMS;
// The page, while it works on shares.
const XS = 0;
const ROW = XS + 4 * CHUNK_ROWS;
const COEFFICIENTS = ROW + ROW_BYTES;
const VALUES = COEFFICIENTS + ROW_BYTES * CHUNK_ROWS;

/** @returns undefined where the module cannot be compiled. */
export function simdKernel(): Kernel | undefined {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) return undefined; // WebAssembly is little-endian
  try {
    const bytes = Uint8Array.from(atob(KERNEL_MODULE), (char) => char.charCodeAt(0));
    return over(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as KernelExports);
  } catch {
    return undefined;
  }
}

function over(wasm: KernelExports): Kernel {
  const bytes = new Uint8Array(wasm.memory.buffer);
  const words = new Uint32Array(wasm.memory.buffer);

  function addStreams(lanes: Uint32Array, streams: readonly SignedStream[]): void {
    if (streams.length === 0) return;
    for (let from = 0; from < lanes.length; from += CHUNK_LANES) {
      const chunk = lanes.subarray(from, from + CHUNK_LANES);
      words.set(chunk, LANES / 4);
      const quads = Math.ceil(chunk.length / QUAD_LANES);
      for (let first = 0; first < streams.length; first += BATCH_STREAMS) {
        const count = Math.min(BATCH_STREAMS, streams.length - first);
        for (let i = 0; i < count; i++) writeStream(streams[first + i]!, i);
        wasm.addStreams(LANES, quads, STATES, FLIPS, count, from / BLOCK_LANES, SCRATCH);
      }
      chunk.set(words.subarray(LANES / 4, LANES / 4 + chunk.length));
    }
    const used = Math.min(BATCH_STREAMS, streams.length);
    bytes.fill(0, SCRATCH, STATES + 4 * STATE_WORDS * used);
    // One quad more than the lanes, which an odd stream without partner spoils.
    const spoilt = Math.ceil(Math.min(lanes.length, CHUNK_LANES) / QUAD_LANES) + 1;
    bytes.fill(0, FLIPS, LANES + 4 * QUAD_LANES * spoilt);
  }

  function writeStream({ key, sign }: SignedStream, i: number): void {
    const state = STATES / 4 + STATE_WORDS * i;
    for (let w = 0; w < SIGMA.length; w++) words[state + w] = SIGMA[w]!;
    bytes.set(key, 4 * (state + SIGMA.length));
    words[FLIPS / 4 + i] = sign === 1 ? 0 : -1;
  }

  function stream(key: Uint8Array, length: number): Uint8Array {
    const lanes = new Uint32Array(Math.ceil(length / 4));
    addStreams(lanes, [{ key, sign: 1 }]);
    const stream = new Uint8Array(lanes.buffer, 0, length);
    if (length % 4 === 0) return stream;
    const exact = stream.slice();
    wipe(lanes);
    return exact;
  }

  function evaluate(coefficients: Uint32Array, xs: readonly number[]): Uint32Array {
    const values = new Uint32Array(PAIRS * xs.length);
    const degrees = coefficients.length / PAIRS;
    for (let first = 0; first < xs.length; first += CHUNK_ROWS) {
      const points = xs.slice(first, first + CHUNK_ROWS);
      words.set(points, XS / 4);
      // Horner's rule begins at the top; values stay in the page from chunk to chunk.
      bytes.fill(0, VALUES, VALUES + ROW_BYTES * points.length);
      for (let end = degrees; end > 0; end -= CHUNK_ROWS) {
        const start = Math.max(0, end - CHUNK_ROWS);
        words.set(coefficients.subarray(PAIRS * start, PAIRS * end), COEFFICIENTS / 4);
        wasm.evaluate(COEFFICIENTS, end - start, XS, VALUES, points.length);
      }
      values.set(rowsAt(VALUES, points.length), PAIRS * first);
    }
    wipePage();
    return values;
  }

  function powerSums(
    rows: Uint32Array,
    weights: readonly number[],
    xs: readonly number[],
    count: number,
  ): Uint32Array {
    const sums = new Uint32Array(PAIRS * count);
    for (let first = 0; first < count; first += CHUNK_ROWS) {
      const chunk = Math.min(CHUNK_ROWS, count - first);
      bytes.fill(0, VALUES, VALUES + ROW_BYTES * chunk);
      xs.forEach((x, i) => {
        const row = rows.subarray(PAIRS * i, PAIRS * (i + 1));
        words.set(row, ROW / 4);
        // A sum that nobody reads: the row comes out times its weight.
        if (first === 0) wasm.addPowers(ROW, weights[i]!, COEFFICIENTS, 1);
        wasm.addPowers(ROW, x, VALUES, chunk);
        if (first + chunk < count) row.set(rowsAt(ROW, 1));
      });
      sums.set(rowsAt(VALUES, chunk), PAIRS * first);
    }
    wipePage();
    return sums;
  }

  function rowsAt(address: number, count: number): Uint32Array {
    return words.subarray(address / 4, address / 4 + PAIRS * count);
  }

  function wipePage(): void {
    bytes.fill(0, 0, VALUES + ROW_BYTES * CHUNK_ROWS);
  }

  return { name: 'simd', addStreams, stream, evaluate, powerSums };
}
