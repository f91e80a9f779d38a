/**
 * Messages as positional MessagePack arrays: a type number, then the fields in order. A codec is the
 * list of a message's fields; it encodes, and it parses without letting anything extra through.
 */
import { InternalError, WireError, invalidField } from '@onlysum/crypto';
import { Packr } from 'msgpackr';
import { scanMessagePack } from './scan.js';

/** Parses one raw value, or throws a WireError that names `field`. */
export type FieldParser<T> = (raw: unknown, field: string) => T;

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
  return {
    type,
    name,
    encode: (value) => {
      const positional = entries.map(([key]) => (value as Record<string, unknown>)[key]);
      return packr.pack([type, ...positional].map(wireValue));
    },
    parse: (raw) => {
      if (raw[0] !== type) throw invalidField(WireError, 'wire-invalid', 'type', `${type}`, raw[0]);
      if (raw.length !== entries.length + 1) {
        const expected = `${entries.length} fields (${entries.map(([key]) => key).join(', ')})`;
        throw invalidField(WireError, 'wire-invalid', name, expected, raw.slice(1));
      }
      const parsed = entries.map(([key, field], i) => [key, field(raw[i + 1], `${name}.${key}`)]);
      return Object.fromEntries(parsed) as Parsed<F>;
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
  return (raw, field) => {
    if (
      !(raw instanceof Uint8Array) ||
      raw.length % record !== 0 ||
      raw.length > record * maxRecords
    ) {
      const expected = `at most ${maxRecords} records of ${record} bytes`;
      throw invalidField(WireError, 'wire-invalid', field, expected, raw);
    }
    return new Uint8Array(raw);
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
  return (raw, field) => {
    if (!Array.isArray(raw) || raw.length > max) {
      throw invalidField(WireError, 'wire-invalid', field, `a list of at most ${max}`, raw);
    }
    return raw.map((entry: unknown, i) => item(entry, `${field}[${i}]`));
  };
}

/** A fixed positional tuple inside a message, e.g. a certificate. */
export function tupleField<F extends Record<string, FieldParser<unknown>>>(
  fields: F,
): FieldParser<Parsed<F>> {
  const entries = Object.entries(fields);
  return (raw, field) => {
    if (!Array.isArray(raw) || raw.length !== entries.length) {
      throw invalidField(WireError, 'wire-invalid', field, `a list of ${entries.length}`, raw);
    }
    const parsed = entries.map(([key, parse], i) => [key, parse(raw[i], `${field}.${key}`)]);
    return Object.fromEntries(parsed) as Parsed<F>;
  };
}

const packr = new Packr({ useRecords: false, int64AsType: 'number', encodeUndefinedAsNil: false });

/** Records travel as positional lists; integers above 32 bits as 64-bit integers, never as floats. */
function wireValue(value: unknown): unknown {
  if (typeof value === 'number') return value > 0xffff_ffff ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(wireValue);
  if (value === undefined) throw new InternalError('internal', 'a message field is missing');
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return Object.values(value).map(wireValue);
  }
  return value;
}
