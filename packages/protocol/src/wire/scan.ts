/**
 * What MessagePack may look like here, checked before a decoder sees it: integers, binary, strings,
 * booleans, nil and arrays, shallow, and nothing after the end. Protocol §6.1. A decoder would also
 * build maps, floats, dates and extensions that an attacker sends.
 */
import { WireError } from '@onlysum/crypto';

export interface ScanLimits {
  /** Deepest nesting of arrays, the outermost counting 1. */
  readonly depth: number;
  /** Most values in all, arrays included. */
  readonly values: number;
}

/** @throws {WireError} `wire-invalid` naming the first byte that is not allowed. */
export function scanMessagePack(bytes: Uint8Array, limits: ScanLimits): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values still to come in each open array. */
  const open: number[] = [];
  let at = 0;
  let values = 0;
  do {
    if (at >= bytes.length) throw refused(`ends at byte ${at} inside a value`);
    if (++values > limits.values) throw refused(`more than ${limits.values} values`);
    const head = readHead(view, at);
    if (head === undefined) {
      throw refused(`type byte 0x${view.getUint8(at).toString(16)} at ${at} is not allowed`);
    }
    at += head.bytes;
    if (at > bytes.length) throw refused(`a value reaches beyond the end (byte ${bytes.length})`);
    if (head.items > 0) {
      if (open.length >= limits.depth) throw refused(`arrays nested deeper than ${limits.depth}`);
      open.push(head.items);
    } else {
      closeFinished(open);
    }
  } while (open.length > 0);
  if (at !== bytes.length) throw refused(`${bytes.length - at} bytes after the end`);
}

/** One value is complete: count it in its array, and that array in its own, while they fill up. */
function closeFinished(open: number[]): void {
  while (open.length > 0) {
    const left = (open.pop() ?? 0) - 1;
    if (left > 0) {
      open.push(left);
      return;
    }
  }
}

interface Head {
  /** Bytes of the value, for an array those of its head only. */
  readonly bytes: number;
  /** Values that follow as items of an array. */
  readonly items: number;
}

/** Reads past the end give NaN-free zeros here; the caller checks the length. */
function readHead(view: DataView, at: number): Head | undefined {
  const type = view.getUint8(at);
  const room = view.byteLength - at;
  if (type <= 0x7f || type >= 0xe0) return { bytes: 1, items: 0 };
  if (type >= 0x90 && type <= 0x9f) return { bytes: 1, items: type & 0x0f };
  if (type >= 0xa0 && type <= 0xbf) return { bytes: 1 + (type & 0x1f), items: 0 };
  if (type === 0xc0 || type === 0xc2 || type === 0xc3) return { bytes: 1, items: 0 };
  const lengthBytes = LENGTH_BYTES.get(type);
  if (lengthBytes !== undefined) {
    if (room < 1 + lengthBytes) return { bytes: room + 1, items: 0 };
    const length = readLength(view, at + 1, lengthBytes);
    const isArray = type === 0xdc || type === 0xdd;
    return isArray
      ? { bytes: 1 + lengthBytes, items: length }
      : { bytes: 1 + lengthBytes + length, items: 0 };
  }
  const integerBytes = INTEGER_BYTES.get(type);
  return integerBytes === undefined ? undefined : { bytes: 1 + integerBytes, items: 0 };
}

function readLength(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  return bytes === 2 ? view.getUint16(at) : view.getUint32(at);
}

/** bin 8/16/32, str 8/16/32, array 16/32. */
const LENGTH_BYTES = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
]);

/** uint 8…64, int 8…64. */
const INTEGER_BYTES = new Map([
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

function refused(why: string): WireError {
  return new WireError('wire-invalid', `MessagePack: ${why}`);
}
