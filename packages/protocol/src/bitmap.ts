/**
 * Subsets of a roster as bitmaps: bit i of byte ⌊i/8⌋, least significant first, ⌈n/8⌉ bytes.
 * Invariant: one set, one encoding. Padding bits are zero, or parsing refuses.
 */
import { WireError, invalidField } from '@onlysum/crypto';

export function encodeBitmap(members: Iterable<number>, n: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(n / 8));
  for (const i of members) out[i >> 3] = (out[i >> 3] ?? 0) | (1 << (i & 7));
  return out;
}

/**
 * @returns the members, ascending.
 * @throws {WireError} `wire-invalid` on a wrong length or a set padding bit.
 */
export function decodeBitmap(bytes: Uint8Array, n: number, field: string): number[] {
  if (bytes.length !== Math.ceil(n / 8)) {
    throw invalidField(WireError, 'wire-invalid', field, `${Math.ceil(n / 8)} bytes`, bytes);
  }
  const members: number[] = [];
  for (let i = 0; i < bytes.length * 8; i++) {
    if (((bytes[i >> 3] ?? 0) >> (i & 7)) & 1) members.push(i);
  }
  if ((members.at(-1) ?? 0) >= n && members.length > 0) {
    throw new WireError('wire-invalid', `${field}: expected zero padding bits after bit ${n - 1}`, {
      field,
    });
  }
  return members;
}
