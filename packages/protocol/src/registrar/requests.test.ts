import { WireError, runDerive, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import {
  type RegistrarRequest,
  type RegistrarResponse,
  type RosterMember,
  type UnsignedRequest,
  encodeRequest,
  encodeResponse,
  parseRequest,
  parseResponse,
  requestSigning,
  requestStatement,
} from './requests.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

const member = (fill: number): RosterMember => ({
  certificate: {
    epoch: 2 ** 40,
    epochLengthMs: 86_400_000,
    pseudonym: bytes(32, fill),
    signature: bytes(64, fill + 1),
  },
  c: bytes(32, fill + 2),
  s: bytes(32, fill + 3),
  signature: bytes(64, fill + 4),
});

const round = bytes(16, 1);
const taskId = bytes(32, 2);
const requests: UnsignedRequest[] = [
  { kind: 'window', taskId, window: 2 ** 33 },
  {
    kind: 'roster',
    taskId,
    window: 5,
    round,
    lifetimeMs: 90_000,
    members: [member(10), member(20)],
  },
  { kind: 'shared-set', round, members: bytes(3, 7) },
  { kind: 'survivor-set', round, members: bytes(3, 7) },
  { kind: 'close', round },
];

const responses: RegistrarResponse[] = [
  {
    kind: 'window',
    announcement: {
      window: 2 ** 33,
      incarnation: 1_767_225_600_000,
      enrolled: 9,
      population: 7,
      pools: 1,
      value: bytes(32, 3),
      signature: bytes(64, 4),
    },
  },
  {
    kind: 'roster',
    incarnation: 1_767_225_600_000,
    k: 3,
    t: 2,
    seed: bytes(32, 5),
    root: bytes(32, 6),
    signature: bytes(64, 7),
  },
  { kind: 'set', signature: bytes(64, 8), auditHead: null },
  {
    kind: 'set',
    signature: bytes(64, 8),
    auditHead: { sequence: 2 ** 40, digest: bytes(32, 9), signature: bytes(64, 10) },
  },
  { kind: 'closed' },
  { kind: 'refused', code: 'members-refused', detail: 'why', members: [{ index: 2, code: 'x' }] },
];

describe('a request', () => {
  test.each(requests)('$kind comes back as it was', (unsigned) => {
    const request: RegistrarRequest = { ...unsigned, signature: bytes(64, 9) };
    expect(parseRequest(encodeRequest(request))).toEqual(request);
  });

  test('for the largest complete graph fits into a frame', () => {
    const members = Array.from({ length: 1000 }, (_, i) => member(i % 200));
    const request = { kind: 'roster', taskId, window: 5, round, lifetimeMs: 1, members } as const;
    const parsed = parseRequest(encodeRequest({ ...request, signature: bytes(64, 9) }));
    expect(parsed.kind === 'roster' && parsed.members.length).toBe(1000);
  });

  test('is signed over every field', () => {
    const changed = requests.flatMap((request) => [
      request,
      ...Object.entries(request).flatMap(([field, value]) => {
        if (value instanceof Uint8Array) return [{ ...request, [field]: value.map((b) => b ^ 1) }];
        return typeof value === 'number' ? [{ ...request, [field]: value + 1 }] : [];
      }),
    ]) as UnsignedRequest[];
    const rosters = memberVariants().map((members) => ({ ...requests[1], members }));
    const all = [...changed, ...(rosters as UnsignedRequest[])].map(requestStatement);
    expect(all.length).toBeGreaterThan(20);
    expect(new Set(all.map(toHex)).size).toBe(all.length);
  });

  test('is signed with the key of the coordinator', () => {
    const seed = bytes(32, 3);
    for (const request of requests) {
      const [signature] = runDerive(nativeSuite, [requestSigning(request, seed)]);
      const message = requestStatement(request);
      expect(signature).toEqual(nativeSuite.ed25519Sign(seed, message));
    }
  });

  test('is never an answer', () => {
    for (const response of responses) {
      expect(() => parseRequest(encodeResponse(response))).toThrow(
        expect.objectContaining({ code: 'wire-invalid', field: 'type' }),
      );
    }
    expect(() => parseRequest(new Uint8Array(0))).toThrow(WireError);
  });
});

describe('an answer', () => {
  test.each(responses)('$kind comes back as it was', (response) => {
    expect(parseResponse(encodeResponse(response))).toEqual(response);
  });

  test('that names a thousand members fits into a frame', () => {
    const members = Array.from({ length: 1000 }, (_, index) => ({ index, code: 'other-pool' }));
    const refused = { kind: 'refused', code: 'members-refused', detail: '', members } as const;
    expect(parseResponse(encodeResponse(refused))).toEqual(refused);
  });

  test('is never a request', () => {
    for (const request of requests) {
      const encoded = encodeRequest({ ...request, signature: bytes(64, 9) });
      expect(() => parseResponse(encoded)).toThrow(
        expect.objectContaining({ code: 'wire-invalid', field: 'type' }),
      );
    }
  });
});

/** Lists of members that all differ from the first, one field each, or in order and number. */
function memberVariants(): RosterMember[][] {
  const [one, two] = [member(10), member(20)];
  const { certificate } = one;
  return [
    [two, one],
    [one],
    [one, two, two],
    [{ ...one, c: one.s, s: one.c }, two],
    [{ ...one, c: bytes(32, 99) }, two],
    [{ ...one, s: bytes(32, 99) }, two],
    [{ ...one, signature: bytes(64, 99) }, two],
    [{ ...one, certificate: { ...certificate, epoch: 1 } }, two],
    [{ ...one, certificate: { ...certificate, epochLengthMs: 1 } }, two],
    [{ ...one, certificate: { ...certificate, pseudonym: bytes(32, 99) } }, two],
    [{ ...one, certificate: { ...certificate, signature: bytes(64, 99) } }, two],
  ];
}
