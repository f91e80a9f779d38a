/** messages.json: every message in bytes and fields, and what is refused, with code and field. */
import { hexOf } from './json.js';
import { pack } from './message-pack.js';
import {
  type AnyCodec,
  SAMPLES,
  announcement,
  certificate,
  member,
  round,
} from './message-samples.js';

export type MessageField =
  | { readonly kind: 'bytes' | 'text'; readonly name?: string; readonly value: string }
  | { readonly kind: 'integer'; readonly name?: string; readonly value: number }
  | { readonly kind: 'boolean'; readonly name?: string; readonly value: boolean }
  | {
      readonly kind: 'list' | 'record';
      readonly name?: string;
      readonly value: readonly MessageField[];
    };

export interface RefusedMessage {
  readonly name: string;
  readonly message: string;
  readonly hex: string;
  readonly code: string;
  /** Undefined where the bytes are refused before any field is looked at. */
  readonly field?: string | undefined;
}

export function messageVectors() {
  return {
    about:
      'A message is a MessagePack array: its type, then its fields in order; records are arrays too. ' +
      '`refused`: bytes that come where `message` is expected, with the code of the error and the field ' +
      'it names (no field: refused as bytes, before any field is read).',
    messages: SAMPLES.map(({ codec, value }) => ({
      name: codec.name,
      type: codec.type,
      fields: fieldsOf(value),
      hex: hexOf(codec.encode(value as never)),
    })),
    refused: [
      ...SAMPLES.flatMap(({ codec, value }) => refusedFields(codec, value)),
      ...refusedValues(),
      ...refusedBytes(),
    ],
  };
}

function fieldsOf(value: Readonly<Record<string, unknown>>): MessageField[] {
  return Object.entries(value).map(([name, field]) => ({ name, ...fieldOf(field) }));
}

function fieldOf(value: unknown): MessageField {
  if (value instanceof Uint8Array) return { kind: 'bytes', value: hexOf(value) };
  if (typeof value === 'number') return { kind: 'integer', value };
  if (typeof value === 'string') return { kind: 'text', value };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (Array.isArray(value)) return { kind: 'list', value: value.map(fieldOf) };
  return { kind: 'record', value: fieldsOf(value as Readonly<Record<string, unknown>>) };
}

/** Records become lists. */
function wire(value: unknown): unknown {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  return Object.values(value).map(wire);
}

function packed(raw: readonly unknown[]): string {
  return hexOf(pack(wire(raw)));
}

function refusal(name: string, message: string, hex: string, field?: string): RefusedMessage {
  return { name, message, hex, code: 'wire-invalid', field };
}

/** Every field missing, nil, of another type, a byte longer; a field too many; another type. */
function refusedFields(
  { name, type }: AnyCodec,
  value: Readonly<Record<string, unknown>>,
): RefusedMessage[] {
  const fields = Object.entries(value);
  const raw = [type, ...fields.map(([, field]) => field)];
  const out = [
    refusal('the last field is missing', name, packed(raw.slice(0, -1)), name),
    refusal('a field too many', name, packed([...raw, 0]), name),
    refusal('another type', name, packed([type + 100, ...raw.slice(1)]), 'type'),
  ];
  fields.forEach(([key, field], i) => {
    const changed = (other: unknown) =>
      packed([...raw.slice(0, i + 1), other, ...raw.slice(i + 2)]);
    const path = `${name}.${key}`;
    if (!OPTIONAL.has(path)) out.push(refusal('nil', name, changed(null), path));
    if (typeof field === 'string')
      out.push(refusal('binary for text', name, changed(new Uint8Array(2)), path));
    else out.push(refusal('text', name, changed('text'), path));
    // A vector or a bitmap has no length of its own: the stage that takes it checks that.
    if (field instanceof Uint8Array && !FREE_LENGTH.has(path)) {
      const longer = Uint8Array.of(...field, 0);
      out.push(refusal('a byte too many', name, changed(longer), path));
      out.push(refusal('a byte too few', name, changed(field.subarray(1)), path));
    }
  });
  return out;
}

const OPTIONAL = new Set([
  'Closed.coordinatorHead',
  'Closed.registrarHead',
  'SetResponse.auditHead',
]);

const FREE_LENGTH = new Set([
  'SharedSet.members',
  'SurvivorSet.members',
  'Recover.silent',
  'Recover.dropped',
  'MaskedInput.vector',
  'SharedSetRequest.members',
  'SurvivorSetRequest.members',
]);

/** Values of the right type that are out of range, and faults inside records and lists. */
function refusedValues(): RefusedMessage[] {
  const change = (
    name: string,
    changes: Readonly<Record<string, unknown>>,
    field: string,
    why: string,
  ) => {
    const found = SAMPLES.find(({ codec }) => codec.name === name);
    if (found === undefined) throw new RangeError(`no sample of ${name}`);
    const raw = [found.codec.type, ...Object.values({ ...found.value, ...changes })];
    return refusal(why, name, packed(raw), `${name}.${field}`);
  };
  const inCertificate = (changes: Readonly<Record<string, unknown>>) => ({
    certificate: { ...certificate, ...changes },
  });
  const inAnnouncement = (changes: Readonly<Record<string, unknown>>) => ({
    announcement: { ...announcement, ...changes },
  });
  return [
    change('Hello', { version: 2 }, 'version', 'another version'),
    change('Hello', { version: 0 }, 'version', 'version 0'),
    change(
      'Hello',
      inCertificate({ epochLengthMs: 0 }),
      'certificate.epochLengthMs',
      'an epoch of 0 ms',
    ),
    change('Hello', inCertificate({ epoch: 2n ** 53n }), 'certificate.epoch', 'an integer of 2^53'),
    change(
      'Hello',
      inCertificate({ epoch: 2n ** 64n - 1n }),
      'certificate.epoch',
      'an integer of 2^64 − 1',
    ),
    change('Hello', inCertificate({ epoch: -1 }), 'certificate.epoch', 'a negative integer'),
    change('Hello', { certificate: [1, 2, 3] }, 'certificate', 'a certificate of three fields'),
    change('Offer', { remainingMs: 2 ** 41 + 1 }, 'remainingMs', 'more than 2^41 ms'),
    change('Offer', inAnnouncement({ pools: 0 }), 'announcement.pools', 'no pools'),
    change('Offer', inAnnouncement({ pools: 2 ** 32 }), 'announcement.pools', '2^32 pools'),
    change(
      'Offer',
      inAnnouncement({ value: new Uint8Array(31) }),
      'announcement.value',
      'a short value',
    ),
    change('Roster', { n: 65_536 }, 'n', '65,536 devices'),
    change(
      'Roster',
      { path: Array.from({ length: 17 }, () => new Uint8Array(32)) },
      'path',
      'a path of 17',
    ),
    change('Roster', { path: [new Uint8Array(31)] }, 'path[0]', 'a short hash in the path'),
    change('SharedSet', { members: new Uint8Array(8193) }, 'members', 'a bitmap of 65,544 bits'),
    change('Dropped', { code: 'x'.repeat(65) }, 'code', 'a code of 65 characters'),
    change('Dropped', { detail: 'x'.repeat(513) }, 'detail', 'a detail of 513 characters'),
    change('Dropped', { retryInMs: -2 }, 'retryInMs', 'a retry before −1'),
    change('Closed', { opened: 1 }, 'opened', '1 for true'),
    change(
      'Closed',
      {
        registrarHead: { sequence: -1, digest: new Uint8Array(32), signature: new Uint8Array(64) },
      },
      'registrarHead.sequence',
      'an audit log of −1 entries',
    ),
    change('Closed', { coordinatorHead: [1, 2] }, 'coordinatorHead', 'an audit head of two fields'),
    change(
      'SetResponse',
      { auditHead: { sequence: 1, digest: new Uint8Array(31), signature: new Uint8Array(64) } },
      'auditHead.digest',
      'a short digest',
    ),
    change('RosterRequest', { lifetimeMs: 0 }, 'lifetimeMs', 'no lifetime'),
    change('RosterRequest', { lifetimeMs: 86_400_001 }, 'lifetimeMs', 'a lifetime above a day'),
    change(
      'RosterRequest',
      { members: [member(30), { ...member(40), c: new Uint8Array(31) }] },
      'members[1].c',
      'a short key of the second member',
    ),
    change(
      'RosterRequest',
      { members: [{ ...member(30), ...inCertificate({ signature: new Uint8Array(63) }) }] },
      'members[0].certificate.signature',
      'a short signature in a certificate',
    ),
    change('RosterResponse', { k: 0 }, 'k', 'no neighbours'),
    change(
      'RefusalResponse',
      { members: [{ index: 65_536, code: 'x' }] },
      'members[0].index',
      'index 65,536',
    ),
  ];
}

/** Refused before a decoder sees them. */
function refusedBytes(): RefusedMessage[] {
  const whole = pack([7, round, true]);
  const hex = hexOf(whole);
  const closed = (name: string, bytes: string) => refusal(name, 'Closed', bytes);
  const head = `9307c410${hexOf(round)}`;
  return [
    closed('no bytes', ''),
    ...Array.from({ length: whole.length - 1 }, (_, i) =>
      closed(`cut after ${i + 1} bytes`, hex.slice(0, 2 * (i + 1))),
    ),
    closed('a byte after the end', `${hex}c0`),
    closed('the message twice', hex + hex),
    closed('a reserved type byte', `${head}c1`),
    closed('a map', `${head}81a161c3`),
    closed('a map 16', `${head}de0000`),
    closed('a map 32', `${head}df00000000`),
    closed('a float 32', `${head}ca3f800000`),
    closed('a float 64', `${head}cb3ff0000000000000`),
    closed('an extension of 1 byte', `${head}d40000`),
    closed('an extension 8', `${head}c7010000`),
    closed('a date (extension −1)', `${head}d6ff00000000`),
    closed('a record definition of msgpackr', `${head}d5724040a161c3`),
    closed('an array 32 of 2^32 − 1 values', '93ddffffffff'),
    closed('a binary 32 of 2^32 − 1 bytes', '9307c6ffffffff'),
    closed('a text 32 of 2^32 − 1 bytes', '9307dbffffffff'),
    closed('arrays nested five deep', '9391919191c0'),
    closed('more values than any message has', `dc0100${'c0'.repeat(256)}`),
    refusal('a number instead of an array', 'Closed', '07', 'frame'),
    refusal('text for the type', 'Closed', '91a137', 'type'),
    refusal('an empty array', 'Closed', '90', 'type'),
  ];
}
