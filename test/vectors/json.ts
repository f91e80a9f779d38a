/** How vectors look in JSON: bytes as lower-case hex, lanes as numbers, one value a line. */
import { parseHex, toHex } from '@onlysum/crypto';

export const hexOf = toHex;

export function bytesOf(hex: string): Uint8Array {
  return parseHex('vector', hex, hex.length / 2);
}

export function fileText(vectors: unknown): string {
  return `${JSON.stringify(vectors, null, 1)}\n`;
}

/** Bytes that are different for every use, and the same in every run. */
export function patterned(length: number, start: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (start + i * 7) & 0xff);
}
