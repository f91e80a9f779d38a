/**
 * Byte strings: joining, comparing, hex, wiping. Knows nothing of what the bytes mean.
 * Invariant: no function here puts the content of its bytes into an error.
 */
import { UsageError } from './errors.js';

export { utf8ToBytes as utf8 } from '@noble/hashes/utils.js';

/** @returns a new array that holds the parts one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Compares in a time that depends on the lengths only, never on where the contents differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

const HEX_DIGITS = '0123456789abcdef';
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** @returns lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += HEX_OF_BYTE[bytes[i]!]!;
  return out;
}

/**
 * Reads exactly `byteLength` bytes of lower-case hex: one value has one spelling, so that identities
 * written as hex can be compared as text.
 *
 * @param field - the name for the error, e.g. `coordinator.key`.
 * @throws {UsageError} `hex-invalid`; tells the length that came, never the text, which may be a seed.
 */
export function parseHex(field: string, text: unknown, byteLength: number): Uint8Array {
  const expected = `${2 * byteLength} lower-case hex digits`;
  if (typeof text !== 'string') throw hexInvalid(field, expected, `a value of type ${typeof text}`);
  if (text.length !== 2 * byteLength) {
    throw hexInvalid(field, expected, `a string of ${text.length} characters`);
  }
  const out = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i++) {
    const high = HEX_DIGITS.indexOf(text[2 * i]!);
    const low = HEX_DIGITS.indexOf(text[2 * i + 1]!);
    if (high < 0 || low < 0) {
      const at = 2 * i + (high < 0 ? 0 : 1);
      throw hexInvalid(field, expected, `another character at position ${at}`);
    }
    out[i] = 16 * high + low;
  }
  return out;
}

function hexInvalid(field: string, expected: string, got: string): UsageError {
  return new UsageError('hex-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}

/** Overwrites secrets with zeros. The engine may have made copies that nobody can reach. */
export function wipe(...arrays: readonly (Uint8Array | Uint32Array | Int32Array)[]): void {
  for (const array of arrays) array.fill(0);
}
