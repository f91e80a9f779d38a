/**
 * Tight packing of lanes: the low `width` bits of each lane, least significant bit first, lanes in
 * order, zero padding to a whole byte. Protocol §3.4. Truncation commutes with addition mod 2^32.
 */
import { WireError, invalidField } from '@onlysum/crypto';

/** @returns ⌈Σ widths / 8⌉ bytes; bits above a lane's width are dropped. */
export function packLanes(lanes: Uint32Array, widths: readonly number[]): Uint8Array {
  const out = new Uint8Array(packedBytes(widths));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let j = 0; j < widths.length; j++) {
    const width = widths[j] ?? 0;
    // Doubles hold 53 bits exactly; 7 held bits and 32 new ones fit.
    held += low(lanes[j] ?? 0, width) * 2 ** heldBits;
    heldBits += width;
    while (heldBits >= 8) {
      out[at++] = held % 256;
      held = Math.floor(held / 256);
      heldBits -= 8;
    }
  }
  if (heldBits > 0) out[at] = held;
  return out;
}

/**
 * Adds a packed vector into `sum`, lane by lane modulo 2^32, without an unpacked copy.
 *
 * @param packed - exactly ⌈Σ widths / 8⌉ bytes, checked before anything is added.
 * @throws {WireError} `wire-invalid` on a wrong length or set padding bits; `sum` is then untouched.
 */
export function addPacked(sum: Uint32Array, packed: Uint8Array, widths: readonly number[]): void {
  checkPacked(packed, widths);
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (let j = 0; j < widths.length; j++) {
    const width = widths[j] ?? 0;
    while (heldBits < width) {
      held += (packed[at++] ?? 0) * 2 ** heldBits;
      heldBits += 8;
    }
    const modulus = 2 ** width;
    const lane = held % modulus;
    held = (held - lane) / modulus;
    heldBits -= width;
    sum[j] = (sum[j] ?? 0) + lane;
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
  return widths.reduce((sum, width) => sum + width, 0);
}

function low(lane: number, width: number): number {
  return width === 32 ? lane : lane % 2 ** width;
}
