/** Every message, read from test/vectors/v1/messages.json: fields to bytes and back, and all refusals. */
import { WireError, parseHex, toHex } from '@onlysum/crypto';
import { describe, expect, test } from 'vitest';
import vectors from '../../../../test/vectors/v1/messages.json' with { type: 'json' };
import * as registrar from '../registrar/requests.js';
import { decodeFrame } from '../wire/codec.js';
import * as fromCoordinator from './from-coordinator.js';
import * as fromDevice from './from-device.js';

interface AnyCodec {
  readonly type: number;
  readonly name: string;
  readonly encode: (value: never) => Uint8Array;
  readonly parse: (raw: readonly unknown[]) => unknown;
}

interface VectorField {
  readonly kind: string;
  readonly name?: string;
  readonly value: unknown;
}

const exported = [fromCoordinator, fromDevice, registrar].flatMap((module) =>
  Object.values(module),
);
const codecs = new Map(exported.filter(isCodec).map((codec) => [codec.name, codec]));

const bytes = (hex: string) => parseHex('vector', hex, hex.length / 2);

const VIEWS: Readonly<Record<string, readonly string[]>> = {
  MaskedInput: ['vector'],
  ShareKeys: ['boxes', 'tags'],
};

describe('messages.json', () => {
  test('has every message, and no type stands for two', () => {
    expect(vectors.messages.map(({ name }) => name).sort()).toEqual([...codecs.keys()].sort());
    expect(new Set(vectors.messages.map(({ type }) => type)).size).toBe(codecs.size);
  });

  test.each(vectors.messages)('$name ($type)', ({ name, type, fields, hex }) => {
    const codec = codecOf(name);
    const value = recordOf(fields);
    expect(codec.type).toBe(type);
    expect(toHex(codec.encode(value as never))).toBe(hex);
    expect(codec.parse(decodeFrame(bytes(hex)))).toEqual(value);
  });

  test.each(vectors.messages)(
    '$name keeps nothing of the frame it came in',
    ({ name, fields, hex }) => {
      const frame = bytes(hex);
      const parsed = codecOf(name).parse(decodeFrame(frame)) as object;
      frame.fill(0xee);
      // These are added to a sum or to a table before their frame is gone, and not copied for that.
      const views = VIEWS[name]?.map((field) => [field, expect.any(Uint8Array)]) ?? [];
      expect(parsed).toEqual({ ...recordOf(fields), ...Object.fromEntries(views) });
    },
  );

  test.each(vectors.messages)('$name cut anywhere is refused', ({ name, hex }) => {
    const whole = bytes(hex);
    for (let length = 0; length < whole.length; length++) {
      const parse = () => codecOf(name).parse(decodeFrame(whole.subarray(0, length)));
      expect(parse).toThrow(WireError);
    }
  });

  describe.each([...codecs.keys()])('%s is refused', (name) => {
    const refused = vectors.refused.filter(({ message }) => message === name);

    test('in some ways', () => {
      expect(refused.length).toBeGreaterThan(3);
    });

    test.each(refused)('$name ($field)', (row: { hex: string; code: string; field?: string }) => {
      const parse = () => codecOf(name).parse(decodeFrame(bytes(row.hex)));
      expect(parse).toThrow(WireError);
      expect(parse).toThrow(expect.objectContaining({ code: row.code, field: row.field }));
    });
  });
});

function isCodec(value: unknown): value is AnyCodec {
  return typeof value === 'object' && value !== null && 'parse' in value && 'type' in value;
}

function codecOf(name: string): AnyCodec {
  const codec = codecs.get(name);
  if (codec === undefined) throw new RangeError(`no codec of ${name}`);
  return codec;
}

function recordOf(fields: readonly VectorField[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));
}

function valueOf({ kind, value }: VectorField): unknown {
  if (kind === 'bytes') return bytes(String(value));
  if (kind === 'list') return (value as readonly VectorField[]).map(valueOf);
  if (kind === 'record') return recordOf(value as readonly VectorField[]);
  return value;
}
