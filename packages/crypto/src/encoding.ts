/**
 * The one encoding for everything that is hashed, signed or used as HKDF info. Protocol §2.2.
 * `u16 length ‖ label ‖ (u32 length ‖ field)*`, big-endian; numbers are fields of 8 bytes.
 * Fields carry no type: a place in a message always holds the same kind. Strings are well-formed
 * Unicode (a lone surrogate would encode as U+FFFD).
 * Invariant: two different (label, field bytes) never give the same bytes.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { InternalError } from './errors.js';
import type { Label } from './labels.js';

/** Numbers must be safe integers ≥ 0; they become 8 bytes, big-endian. */
export type Field = Uint8Array | number | string;

export function encodeLabelled(label: Label, ...fields: readonly Field[]): Uint8Array {
  return encodeLabelledList(label, fields);
}

/** As {@link encodeLabelled}, for lists too long to be arguments of a call. */
export function encodeLabelledList(label: Label, fields: readonly Field[]): Uint8Array {
  const parts = fields.map(fieldBytes);
  const name = utf8ToBytes(label);
  const out = new Uint8Array(2 + name.length + parts.reduce((sum, p) => sum + 4 + p.length, 0));
  const view = new DataView(out.buffer);
  view.setUint16(0, name.length);
  out.set(name, 2);
  let at = 2 + name.length;
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

function fieldBytes(field: Field): Uint8Array {
  if (typeof field === 'string') return utf8ToBytes(field);
  if (typeof field !== 'number') return field;
  if (!Number.isSafeInteger(field) || field < 0) {
    throw new InternalError('internal', `cannot encode ${field}: expected a safe integer ≥ 0`);
  }
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(field));
  return out;
}
