/**
 * What a stranger would write from docs/protocol.md: encoding, packing, Merkle trees, sharing, masks.
 * Knows: nothing of this project but the primitives of a suite; that is the point. Slow and plain.
 */
import type { Suite } from '@onlysum/crypto';

export type StrangerField = Uint8Array | number | string;

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function bigEndian(value: number, bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, i) =>
    Number((BigInt(value) >> BigInt(8 * (bytes - 1 - i))) & 0xffn),
  );
}

export function encode(label: string, ...fields: readonly StrangerField[]): Uint8Array {
  const text = new TextEncoder();
  const name = text.encode(label);
  const parts = fields.map((field) => {
    if (typeof field === 'string') return text.encode(field);
    return typeof field === 'number' ? bigEndian(field, 8) : field;
  });
  const framed = parts.flatMap((part) => [bigEndian(part.length, 4), part]);
  return concat(bigEndian(name.length, 2), name, ...framed);
}

/** Lane 0 in the lowest bits of one big number. */
export function packBits(lanes: readonly number[], widths: readonly number[]): Uint8Array {
  let all = 0n;
  let bits = 0;
  widths.forEach((width, j) => {
    all |= BigInt.asUintN(width, BigInt(lanes[j] ?? 0)) << BigInt(bits);
    bits += width;
  });
  const bytes = new Uint8Array(Math.ceil(bits / 8));
  return bytes.map((_, i) => Number((all >> BigInt(8 * i)) & 0xffn));
}

export function unpackBits(packed: Uint8Array, widths: readonly number[]): number[] {
  let all = packed.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
  return widths.map((width) => {
    const lane = Number(BigInt.asUintN(width, all));
    all >>= BigInt(width);
    return lane;
  });
}

export function bitmapOf(members: readonly number[], n: number): Uint8Array {
  return new Uint8Array(Math.ceil(n / 8)).map((_, byte) =>
    members.filter((i) => Math.floor(i / 8) === byte).reduce((bits, i) => bits + 2 ** (i % 8), 0),
  );
}

/** lanes ± stream, modulo 2^32; the stream as little-endian words. */
export function withStream(
  suite: Suite,
  lanes: readonly number[],
  sign: 1 | -1,
  key: Uint8Array,
): number[] {
  const stream = suite.stream(key, 4 * lanes.length);
  return lanes.map((lane, j) => {
    const word = stream
      .subarray(4 * j, 4 * j + 4)
      .reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    return (((lane + sign * word) % 2 ** 32) + 2 ** 32) % 2 ** 32;
  });
}

/** RFC 6962 section 2.1, as it is written there. */
export function treeHash(suite: Suite, leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return suite.sha256(new Uint8Array(0));
  if (leaves.length === 1) return suite.sha256(concat(Uint8Array.of(0), only));
  const k = splitAt(leaves.length);
  const [left, right] = [treeHash(suite, leaves.slice(0, k)), treeHash(suite, leaves.slice(k))];
  return suite.sha256(concat(Uint8Array.of(1), left, right));
}

/** RFC 6962 section 2.1.1. */
export function treePath(suite: Suite, leaves: readonly Uint8Array[], m: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = splitAt(leaves.length);
  return m < k
    ? [...treePath(suite, leaves.slice(0, k), m), treeHash(suite, leaves.slice(k))]
    : [...treePath(suite, leaves.slice(k), m - k), treeHash(suite, leaves.slice(0, k))];
}

/** The largest power of two below n. */
function splitAt(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 15; bit >= 0; bit--) {
    product <<= 1;
    if (product & 0x10000) product ^= 0x1100b;
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

function inverse(a: number): number {
  // a^(2^16 − 2)
  let [result, square] = [1, a];
  for (let i = 1; i < 16; i++) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
}

function symbols(bytes: Uint8Array): number[] {
  return Array.from(
    { length: bytes.length / 2 },
    (_, i) => (bytes[2 * i] ?? 0) + 256 * (bytes[2 * i + 1] ?? 0),
  );
}

function fromSymbols(values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value & 0xff, value >> 8]));
}

/** @param random - 32 bytes for each coefficient from x^1 up. */
export function shareAt(secret: Uint8Array, random: Uint8Array, x: number): Uint8Array {
  const rows = [
    secret,
    ...Array.from({ length: random.length / 32 }, (_, i) => random.subarray(32 * i, 32 * i + 32)),
  ];
  const coefficients = rows.map(symbols);
  return fromSymbols(
    symbols(secret).map((_, i) =>
      coefficients.reduceRight((value, row) => multiply(value, x) ^ (row[i] ?? 0), 0),
    ),
  );
}

export function interpolate(
  shares: readonly { readonly x: number; readonly share: Uint8Array }[],
): Uint8Array {
  const terms = shares.map(({ x, share }) => {
    const weight = shares
      .filter((other) => other.x !== x)
      .reduce((w, other) => multiply(w, multiply(other.x, inverse(other.x ^ x))), 1);
    return symbols(share).map((symbol) => multiply(symbol, weight));
  });
  return fromSymbols(
    Array.from({ length: 16 }, (_, i) => terms.reduce((sum, t) => sum ^ (t[i] ?? 0), 0)),
  );
}
