/**
 * Messages as positional MessagePack arrays: a type number, then the fields in order. A codec is the
 * list of a message's fields; it encodes, and it parses without letting anything extra through.
 */
import { InternalError, WireError, invalidField } from '@onlysum/crypto';
import { Packr } from 'msgpackr';
import { scanMessagePack } from './scan.js';

/** Parses one raw value, or throws a WireError that names `field`. */
export interface FieldParser<T> {
  (raw: unknown, field: string): T;
  /** How a value travels, where that is not as itself: a record as a list in the declared order. */
  toWire?(value: T): unknown;
}

export interface Codec<T> {
  readonly type: number;
  readonly name: string;
  readonly encode: (value: T) => Uint8Array;
  /** @param raw - as {@link decodeFrame} gives it. @throws {WireError} `wire-invalid`. */
  readonly parse: (raw: readonly unknown[]) => T;
}

type Parsed<F> = { readonly [K in keyof F]: F[K] extends FieldParser<infer T> ? T : never };

/** Fields travel in the order in which they are written here. */
export function codec<F extends Record<string, FieldParser<unknown>>>(
  type: number,
  name: string,
  fields: F,
): Codec<Parsed<F>> {
  const entries = Object.entries(fields);
  const paths = entries.map(([key, field]) => ({ key, field, path: `${name}.${key}` }));
  return {
    type,
    name,
    encode: (value) => {
      return packr.pack([type, ...positional(entries, value)]);
    },
    parse: (raw) => {
      if (raw[0] !== type) throw invalidField(WireError, 'wire-invalid', 'type', `${type}`, raw[0]);
      if (raw.length !== entries.length + 1) {
        const expected = `${entries.length} fields (${entries.map(([key]) => key).join(', ')})`;
        throw invalidField(WireError, 'wire-invalid', name, expected, raw.slice(1));
      }
      const parsed: Record<string, unknown> = {};
      paths.forEach(({ key, field, path }, i) => {
        parsed[key] = field(raw[i + 1], path);
      });
      return parsed as Parsed<F>;
    },
  };
}

/** A roster request needs all four: the message, its list, an entry of it, the certificate in that. */
const MAX_DEPTH = 4;

/**
 * Decodes a frame into a raw array whose first value is the message type.
 *
 * @param maxValues - most values in the frame; bounds the work an attacker can cause.
 * @returns views into `bytes`: copy what is kept.
 * @throws {WireError} `wire-invalid`.
 */
export function decodeFrame(bytes: Uint8Array, maxValues = 64): readonly unknown[] {
  scanMessagePack(bytes, { depth: MAX_DEPTH, values: maxValues });
  const raw: unknown = packr.unpack(bytes);
  if (!Array.isArray(raw)) throw invalidField(WireError, 'wire-invalid', 'frame', 'an array', raw);
  if (typeof raw[0] !== 'number') {
    throw invalidField(WireError, 'wire-invalid', 'type', 'a message type number', raw[0]);
  }
  return raw;
}

export function integerField(min: number, max: number): FieldParser<number> {
  return (raw, field) => {
    if (typeof raw !== 'number' || !Number.isInteger(raw) || raw < min || raw > max) {
      throw invalidField(WireError, 'wire-invalid', field, `an integer from ${min} to ${max}`, raw);
    }
    return raw;
  };
}

/** Exactly `length` bytes, copied out of the frame. */
export function bytesField(length: number): FieldParser<Uint8Array> {
  return (raw, field) => {
    if (!(raw instanceof Uint8Array) || raw.length !== length) {
      throw invalidField(WireError, 'wire-invalid', field, `${length} bytes`, raw);
    }
    return new Uint8Array(raw);
  };
}

/** Whole records of `record` bytes, at most `maxRecords`, copied out of the frame. */
export function recordsField(record: number, maxRecords: number): FieldParser<Uint8Array> {
  const view = recordsView(record, maxRecords);
  return (raw, field) => view(raw, field).slice();
}

/** As {@link recordsField}, but a view of the frame: for what is used up before the frame is gone. */
export function recordsView(record: number, maxRecords: number): FieldParser<Uint8Array> {
  return (raw, field) => {
    if (
      !(raw instanceof Uint8Array) ||
      raw.length % record !== 0 ||
      raw.length > record * maxRecords
    ) {
      const expected = `at most ${maxRecords} records of ${record} bytes`;
      throw invalidField(WireError, 'wire-invalid', field, expected, raw);
    }
    // A decoder on Node gives a Buffer, whose slice() does not copy.
    return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  };
}

export function textField(maxLength: number): FieldParser<string> {
  return (raw, field) => {
    if (typeof raw !== 'string' || raw.length > maxLength) {
      const expected = `text of at most ${maxLength} characters`;
      throw invalidField(WireError, 'wire-invalid', field, expected, raw);
    }
    return raw;
  };
}

export const booleanField: FieldParser<boolean> = (raw, field) => {
  if (typeof raw !== 'boolean') {
    throw invalidField(WireError, 'wire-invalid', field, 'true or false', raw);
  }
  return raw;
};

export function listField<T>(item: FieldParser<T>, max: number): FieldParser<readonly T[]> {
  const parse = (raw: unknown, field: string): readonly T[] => {
    if (!Array.isArray(raw) || raw.length > max) {
      throw invalidField(WireError, 'wire-invalid', field, `a list of at most ${max}`, raw);
    }
    return raw.map((entry: unknown, i) => item(entry, `${field}[${i}]`));
  };
  return Object.assign(parse, {
    toWire: (list: readonly T[]) => list.map((entry) => wireValue(item, entry)),
  });
}

/** A value, or nil. */
export function optionalField<T>(item: FieldParser<T>): FieldParser<T | null> {
  const parse = (raw: unknown, field: string): T | null => (raw === null ? null : item(raw, field));
  return Object.assign(parse, {
    toWire: (value: T | null) => (value === null ? null : wireValue(item, value)),
  });
}

/** A fixed positional tuple inside a message, e.g. a certificate. */
export function tupleField<F extends Record<string, FieldParser<unknown>>>(
  fields: F,
): FieldParser<Parsed<F>> {
  const entries = Object.entries(fields);
  const parse = (raw: unknown, field: string): Parsed<F> => {
    if (!Array.isArray(raw) || raw.length !== entries.length) {
      throw invalidField(WireError, 'wire-invalid', field, `a list of ${entries.length}`, raw);
    }
    const parsed = entries.map(([key, item], i) => [key, item(raw[i], `${field}.${key}`)]);
    return Object.fromEntries(parsed) as Parsed<F>;
  };
  return Object.assign(parse, { toWire: (value: Parsed<F>) => positional(entries, value) });
}

const packr = new Packr({ useRecords: false, int64AsType: 'number', encodeUndefinedAsNil: false });

/** Values in the declared order, whatever order the record was built in. */
function positional(
  entries: readonly (readonly [string, FieldParser<unknown>])[],
  record: unknown,
): unknown[] {
  return entries.map(([key, field]) => wireValue(field, (record as Record<string, unknown>)[key]));
}

/** Integers above 32 bits travel as 64-bit integers, never as floats. */
function wireValue<T>(field: FieldParser<T>, value: T): unknown {
  if (value === undefined) throw new InternalError('internal', 'a message field is missing');
  if (field.toWire !== undefined) return field.toWire(value);
  return typeof value === 'number' && value > 0xffff_ffff ? BigInt(value) : value;
}
