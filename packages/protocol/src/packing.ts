/**
 * Tight packing of lanes: the low `width` bits of each lane, least significant bit first, lanes in
 * order, zero padding to a whole byte. Protocol §3.4. Truncation commutes with addition mod 2^32.
 */
import { WireError, invalidField } from '@onlysum/crypto';

/** @returns ⌈Σ widths / 8⌉ bytes; bits above a lane's width are dropped. @param widths - each 1…32. */
export function packLanes(lanes: Uint32Array, widths: readonly number[]): Uint8Array {
  const bytes = packedBytes(widths);
  const words = new DataView(new ArrayBuffer(4 * Math.ceil(bytes / 4)));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let j = 0; j < widths.length; j++) {
    const width = widths[j]!;
    const lane = lanes[j]! & lowBits(width);
    held |= lane << heldBits;
    heldBits += width;
    if (heldBits < 32) continue;
    words.setUint32(at, held, true);
    at += 4;
    heldBits -= 32;
    // What did not fit any more; a shift by 32 would be one by 0.
    held = heldBits === 0 ? 0 : lane >>> (width - heldBits);
  }
  if (heldBits > 0) words.setUint32(at, held, true);
  return new Uint8Array(words.buffer, 0, bytes);
}

/**
 * Adds a packed vector into `sum`, lane by lane modulo 2^32, without an unpacked copy.
 *
 * @param packed - exactly ⌈Σ widths / 8⌉ bytes, checked before anything is added.
 * @param widths - each 1…32.
 * @throws {WireError} `wire-invalid` on a wrong length or set padding bits; `sum` is then untouched.
 */
export function addPacked(sum: Uint32Array, packed: Uint8Array, widths: readonly number[]): void {
  checkPacked(packed, widths);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let j = 0; j < widths.length; j++) {
    const width = widths[j]!;
    let lane = held;
    if (heldBits < width) {
      const word = at + 4 <= packed.length ? view.getUint32(at, true) : lastWord(packed, at);
      at += 4;
      lane |= word << heldBits;
      // What this lane does not take of the word; a shift by 32 would be one by 0.
      const taken = width - heldBits;
      held = taken === 32 ? 0 : word >>> taken;
      heldBits = 32 - taken;
    } else {
      held = width === 32 ? 0 : held >>> width;
      heldBits -= width;
    }
    sum[j] = sum[j]! + (lane & lowBits(width));
  }
}

/** @throws {WireError} `wire-invalid` unless `packed` has the right length and zero padding bits. */
export function checkPacked(packed: Uint8Array, widths: readonly number[]): void {
  const bytes = packedBytes(widths);
  if (packed.length !== bytes) {
    throw invalidField(WireError, 'wire-invalid', 'vector', `${bytes} bytes`, packed);
  }
  const usedBits = ((totalBits(widths) + 7) % 8) + 1;
  if (bytes > 0 && (packed[bytes - 1] ?? 0) >> usedBits !== 0) {
    throw new WireError('wire-invalid', 'vector: expected zero padding bits after the last lane', {
      field: 'vector',
    });
  }
}

function packedBytes(widths: readonly number[]): number {
  return Math.ceil(totalBits(widths) / 8);
}

function totalBits(widths: readonly number[]): number {
  let bits = 0;
  for (let j = 0; j < widths.length; j++) bits += widths[j]!;
  return bits;
}

/** The 1 to 3 bytes from `at` on, little-endian. */
function lastWord(packed: Uint8Array, at: number): number {
  let word = 0;
  for (let i = packed.length - 1; i >= at; i--) word = (word << 8) | packed[i]!;
  return word;
}

/** @param width - 1…32. */
function lowBits(width: number): number {
  return -1 >>> (32 - width);
}
