/** A MessagePack writer of our own for vectors: shortest forms, and nothing but what messages use. */
import { concatBytes, utf8 } from '@onlysum/crypto';

/** @param value - null, boolean, integer, bigint, string, bytes, or an array of these. */
export function pack(value: unknown): Uint8Array {
  if (value === null) return Uint8Array.of(0xc0);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number' || typeof value === 'bigint') return packInteger(BigInt(value));
  if (typeof value === 'string') {
    const text = utf8(value);
    return concatBytes(
      text.length < 32 ? Uint8Array.of(0xa0 | text.length) : head([0xd9, 0xda, 0xdb], text.length),
      text,
    );
  }
  if (value instanceof Uint8Array)
    return concatBytes(head([0xc4, 0xc5, 0xc6], value.length), value);
  if (!Array.isArray(value)) throw new RangeError(`cannot pack a ${typeof value}`);
  const { length } = value;
  const start = length < 16 ? Uint8Array.of(0x90 | length) : head([undefined, 0xdc, 0xdd], length);
  return concatBytes(start, ...value.map(pack));
}

function packInteger(value: bigint): Uint8Array {
  if (value >= -32n && value < 128n) return Uint8Array.of(Number(BigInt.asUintN(8, value)));
  const sizes = [1, 2, 4, 8] as const;
  const at = sizes.findIndex((bytes) =>
    value < 0n ? value >= -(1n << BigInt(8 * bytes - 1)) : value < 1n << BigInt(8 * bytes),
  );
  const bytes = sizes[at];
  if (bytes === undefined) throw new RangeError(`${value} does not fit 64 bits`);
  return concatBytes(Uint8Array.of((value < 0n ? 0xd0 : 0xcc) + at), bigEndian(value, bytes));
}

function head(types: readonly (number | undefined)[], length: number): Uint8Array {
  const sizes = [1, 2, 4];
  const at = sizes.findIndex((size, i) => types[i] !== undefined && length < 2 ** (8 * size));
  return concatBytes(Uint8Array.of(types[at] ?? 0), bigEndian(BigInt(length), sizes[at] ?? 0));
}

function bigEndian(value: bigint, bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, i) =>
    Number(BigInt.asUintN(8, value >> BigInt(8 * (bytes - 1 - i)))),
  );
}
