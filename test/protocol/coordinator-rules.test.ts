/**
 * One bad device never ends a round that could go on: each row is a device that breaks one rule. It is
 * sent away with the right code, the others' sum opens, and it is exact.
 */
import {
  type DropCode,
  advertiseKeys,
  decodeFrame,
  dropped,
  hello,
  maskedInput,
  revealShares,
  shareKeys,
  unmasking,
  uploadRequest,
} from '@onlysum/protocol';
import { type RoundOptions, type SimulatedRound, simulateRound } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum, survivorDevices } from './fleet.js';

const LIAR = 1;
const DEVICES = 7;

interface Row {
  readonly name: string;
  readonly code: DropCode;
  readonly survives: boolean;
  readonly change: (bytes: Uint8Array) => Uint8Array[] | undefined;
  readonly options?: Partial<RoundOptions>;
}

const silentAfterMasked: Partial<RoundOptions> = {
  kills: [{ device: 4, when: 'after', message: 'MaskedInput', noticed: true }],
};

const rows: Row[] = [
  {
    name: 'bytes that are no message',
    code: 'wire-invalid',
    survives: false,
    change: instead(shareKeys, () => Uint8Array.of(0xc1)),
  },
  {
    name: 'a challenge answered for another URL',
    code: 'hello-refused',
    survives: false,
    change: on(hello, (m) => ({ ...m, signature: new Uint8Array(64) })),
  },
  {
    name: 'a certificate nobody signed',
    code: 'certificate-refused',
    survives: false,
    change: on(hello, (m) => ({
      ...m,
      certificate: { ...m.certificate, signature: new Uint8Array(64) },
    })),
  },
  {
    name: 'a certificate of another epoch',
    code: 'certificate-refused',
    survives: false,
    change: on(hello, (m) => ({ ...m, certificate: { ...m.certificate, epoch: 7 } })),
  },
  {
    name: 'a task that is not served',
    code: 'task-unknown',
    survives: false,
    change: on(hello, (m) => ({ ...m, taskId: new Uint8Array(32) })),
  },
  {
    name: 'keys that the registrar refuses (low order)',
    code: 'device-refused',
    survives: false,
    change: on(advertiseKeys, (m) => ({ ...m, c: new Uint8Array(32) })),
  },
  {
    name: 'keys of another round',
    code: 'wrong-round',
    survives: false,
    change: on(advertiseKeys, (m) => ({ ...m, round: new Uint8Array(16) })),
  },
  {
    name: 'two different advertisements',
    code: 'conflicting-message',
    survives: false,
    change: twice(advertiseKeys, (m) => ({ ...m, signature: new Uint8Array(64) })),
  },
  {
    name: 'a box too few',
    code: 'wire-invalid',
    survives: false,
    change: on(shareKeys, (m) => ({ ...m, boxes: m.boxes.slice(80) })),
  },
  {
    name: 'a tag too few',
    code: 'wire-invalid',
    survives: false,
    change: on(shareKeys, (m) => ({ ...m, tags: m.tags.slice(16) })),
  },
  {
    name: 'all its tags false, to evict the others',
    code: 'disputed',
    survives: false,
    change: on(shareKeys, (m) => ({ ...m, tags: new Uint8Array(m.tags.length) })),
  },
  {
    name: 'two different share messages',
    code: 'conflicting-message',
    survives: false,
    change: twice(shareKeys, (m) => ({ ...m, tags: new Uint8Array(m.tags.length) })),
  },
  {
    name: 'the masked input before its turn',
    code: 'wrong-stage',
    survives: false,
    change: instead(shareKeys, (m) =>
      maskedInput.encode({
        round: m.round,
        vector: new Uint8Array(1),
        commitment: new Uint8Array(32),
      }),
    ),
  },
  {
    name: 'a masked input without a credit',
    code: 'wrong-stage',
    survives: false,
    change: instead(uploadRequest, (m) =>
      maskedInput.encode({
        round: m.round,
        vector: new Uint8Array(1),
        commitment: new Uint8Array(32),
      }),
    ),
  },
  {
    name: 'a vector of the wrong length',
    code: 'wire-invalid',
    survives: false,
    change: on(maskedInput, (m) => ({ ...m, vector: m.vector.slice(1) })),
  },
  {
    name: 'a vector with padding bits',
    code: 'wire-invalid',
    survives: false,
    change: on(maskedInput, (m) => {
      const vector = m.vector.slice();
      vector[vector.length - 1] = 0xff;
      return { ...m, vector };
    }),
  },
  {
    name: 'a second, different masked input',
    code: 'conflicting-message',
    survives: true,
    change: twice(maskedInput, (m) => ({ ...m, commitment: new Uint8Array(32) })),
  },
  {
    name: 'a b that does not match its commitment',
    code: 'bad-reveal',
    survives: true,
    change: on(unmasking, (m) => ({ ...m, b: new Uint8Array(32) })),
  },
  {
    name: 'a pair secret too many',
    code: 'wire-invalid',
    survives: true,
    change: on(unmasking, (m) => ({ ...m, pairSecrets: new Uint8Array(32) })),
  },
  {
    name: 'shares of somebody nobody asked for',
    code: 'wire-invalid',
    survives: true,
    options: silentAfterMasked,
    change: on(revealShares, (m) => {
      const keyShares = new Uint8Array(36);
      return { ...m, keyShares };
    }),
  },
  {
    name: 'the same share twice',
    code: 'wire-invalid',
    survives: true,
    options: silentAfterMasked,
    change: on(revealShares, (m) => ({
      ...m,
      selfShares: Uint8Array.from([...m.selfShares, ...m.selfShares]),
    })),
  },
];

describe('a coordinator against one bad device', () => {
  for (const row of rows) {
    it(`sends away ${row.name} (${row.code}) and opens the others' sum`, () => {
      const options = { ...fleet({ devices: DEVICES, dropout: 300 }), ...row.options };
      const round = simulateRound({
        ...options,
        intercept: ({ device, direction, bytes }) =>
          (device === LIAR && direction === 'up' ? row.change(bytes) : undefined) ?? [bytes],
      });
      expect(dropCode(round, LIAR)).toBe(row.code);
      expect(round.outcome.kind).toBe('result');
      if (round.outcome.kind !== 'result') return;
      expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
      expect(survivorDevices(round).includes(LIAR)).toBe(row.survives);
    });
  }

  it('recovers the key of a dropout when a survivor lies about their pair secret', () => {
    const kills = [{ device: 4, when: 'before', message: 'MaskedInput', noticed: true } as const];
    const options = { ...fleet({ devices: DEVICES, dropout: 300 }), kills };
    const round = simulateRound({
      ...options,
      intercept: ({ device, direction, bytes }) =>
        (device === LIAR && direction === 'up' ? lieAboutPair(bytes) : undefined) ?? [bytes],
    });
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
    const asked = round.transcript.some(({ bytes }) => decodeFrame(bytes)[0] === revealShares.type);
    expect(asked).toBe(true);
  });

  it('ends the round, and opens nothing, when the shares of a silent device are wrong', () => {
    const options = { ...fleet({ devices: DEVICES, dropout: 300 }), ...silentAfterMasked };
    const round = simulateRound({
      ...options,
      intercept: ({ direction, bytes }) =>
        (direction === 'up' ? spoilShares(bytes) : undefined) ?? [bytes],
    });
    expect(round.outcome).toMatchObject({ kind: 'abort', code: 'recovery-failed' });
  });

  it('aborts at once with the figure that is missing when too many drop', () => {
    const kills = [0, 1, 2].map(
      (device) => ({ device, when: 'before', message: 'ShareKeys', noticed: true }) as const,
    );
    const round = simulateRound({ ...fleet({ devices: DEVICES, dropout: 300 }), kills });
    expect(round.outcome).toMatchObject({ kind: 'abort', code: 'too-many-dropped' });
    expect(round.outcome.kind === 'abort' && round.outcome.detail).toContain(
      '4 of 7 devices are left',
    );
    const told = round.devices.filter((device) => device?.kind === 'failed');
    expect(told).toHaveLength(4);
    for (const device of told) {
      expect(device?.kind === 'failed' && device.error).toMatchObject({
        code: 'round-aborted',
        retryable: true,
      });
    }
  });

  it('closes every stage as soon as everybody has answered', () => {
    const round = simulateRound(fleet({ devices: DEVICES }));
    const first = round.transcript[0]?.atMs ?? 0;
    const last = round.transcript.at(-1)?.atMs ?? Number.POSITIVE_INFINITY;
    // Virtual time: the network's delays only; every deadline is at least 15,000 ms.
    expect(last - first).toBeLessThan(2_000);
  });
});

interface AnyCodec<T> {
  readonly type: number;
  encode(value: T): Uint8Array;
  parse(raw: readonly unknown[]): T;
}

function on<T>(codec: AnyCodec<T>, change: (message: T) => T) {
  return instead(codec, (message) => codec.encode(change(message)));
}

function instead<T>(codec: AnyCodec<T>, make: (message: T) => Uint8Array) {
  return (bytes: Uint8Array): Uint8Array[] | undefined => {
    const raw = decodeFrame(bytes);
    return raw[0] === codec.type ? [make(codec.parse(raw))] : undefined;
  };
}

function twice<T>(codec: AnyCodec<T>, change: (message: T) => T) {
  return (bytes: Uint8Array): Uint8Array[] | undefined => {
    const raw = decodeFrame(bytes);
    return raw[0] === codec.type ? [bytes, codec.encode(change(codec.parse(raw)))] : undefined;
  };
}

const lieAboutPair = on(unmasking, (m) => ({
  ...m,
  pairSecrets: new Uint8Array(m.pairSecrets.length),
}));

const spoilShares = on(revealShares, (m) => {
  const selfShares = m.selfShares.slice();
  if (selfShares.length > 0) selfShares[4] = (selfShares[4] ?? 0) ^ 1;
  return { ...m, selfShares };
});

/** The reason the coordinator gave to a device. */
function dropCode(round: SimulatedRound, device: number): string | undefined {
  for (const message of round.transcript) {
    if (message.direction !== 'down' || message.device !== device) continue;
    const raw = decodeFrame(message.bytes);
    if (raw[0] === dropped.type) return dropped.parse(raw).code;
  }
  return undefined;
}
