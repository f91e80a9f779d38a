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
  const name = nameBytes(label);
  let length = 2 + name.length;
  const parts = fields.map((field) => {
    const part = typeof field === 'string' ? utf8ToBytes(field) : field;
    length += 4 + (typeof part === 'number' ? NUMBER_BYTES : part.length);
    return part;
  });
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  view.setUint16(0, name.length);
  out.set(name, 2);
  let at = 2 + name.length;
  for (const part of parts) {
    if (typeof part === 'number') {
      view.setUint32(at, NUMBER_BYTES);
      setNumber(view, at + 4, part);
      at += 4 + NUMBER_BYTES;
    } else {
      view.setUint32(at, part.length);
      out.set(part, at + 4);
      at += 4 + part.length;
    }
  }
  return out;
}

const NUMBER_BYTES = 8;

function setNumber(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InternalError('internal', `cannot encode ${value}: expected a safe integer ≥ 0`);
  }
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
}

const names = new Map<Label, Uint8Array>();

/** Labels are few and are encoded for every key of a round. */
function nameBytes(label: Label): Uint8Array {
  let name = names.get(label);
  if (name === undefined) {
    name = utf8ToBytes(label);
    names.set(label, name);
  }
  return name;
}
