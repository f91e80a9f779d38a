import { decodeFrame, hello, maskedInput, revealShares } from '@onlysum/protocol';
import { advertiseKeys, shareKeys, unmasking } from '@onlysum/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  type DeviceOptions,
  enrolDevice,
  enrolDevices,
  lanesOf,
  makeTask,
  runDevice,
  runDevices,
  strangersSignature,
  sumLanes,
  until,
} from './wire-fleet.js';

const BAD = 2;
const SIX = [0, 1, 2, 3, 4, 5];
const WITHOUT_BAD = SIX.filter((i) => i !== BAD);

const start = closedAfterEach({ cohort: { min: 3, target: 6, max: 6 } });

/** Replaces the message of one type by others. */
function instead(
  { type }: { readonly type: number },
  make: (bytes: Uint8Array) => readonly (Uint8Array | string)[],
): NonNullable<DeviceOptions['tamper']> {
  return (sent, bytes) => (sent === type ? make(bytes) : [bytes]);
}

interface Codec<T> {
  encode(message: T): Uint8Array;
  parse(raw: readonly unknown[]): T;
}

/** Changes one message's fields and encodes it again. */
function changed<T extends object>(
  codec: Codec<T>,
  bytes: Uint8Array,
  change: (message: T) => Partial<T>,
): Uint8Array {
  const message = codec.parse(decodeFrame(bytes));
  return codec.encode({ ...message, ...change(message) });
}

function flipped(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out[0] = (out[0] ?? 0) ^ 1;
  return out;
}

function roundOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(decodeFrame(bytes)[1] as Uint8Array);
}

const noise = (length: number) => new Uint8Array(length).fill(0xc1);

interface Case {
  readonly name: string;
  readonly tamper: NonNullable<DeviceOptions['tamper']>;
  readonly code: string | undefined;
  readonly closeCode: number;
  /** Where the loss is counted; undefined if the device's input is in the sum. */
  readonly stage: string | undefined;
  readonly counted?: string;
  readonly detail?: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: 'sends garbage for ShareKeys',
    tamper: instead(shareKeys, () => [noise(40)]),
    code: 'wire-invalid',
    closeCode: 4000,
    stage: 'share-keys',
  },
  {
    name: 'sends a text frame',
    tamper: instead(shareKeys, () => ['{"hello":"world"}']),
    detail: /got a text frame/,
    code: 'wire-invalid',
    closeCode: 4000,
    stage: 'share-keys',
  },
  {
    name: 'sends a MessagePack map',
    tamper: instead(shareKeys, () => [Uint8Array.of(0x81, 0xa1, 0x61, 0x01)]),
    code: 'wire-invalid',
    closeCode: 4000,
    stage: 'share-keys',
  },
  {
    name: 'sends more than any message of the task',
    tamper: instead(shareKeys, () => [noise(20_000)]),
    code: 'oversized',
    closeCode: 4001,
    stage: 'share-keys',
  },
  {
    name: 'sends more than the socket reads',
    tamper: instead(shareKeys, () => [noise(1_000_000)]),
    code: undefined,
    closeCode: 1009,
    stage: 'share-keys',
    counted: 'oversized',
  },
  {
    name: 'answers another round',
    tamper: instead(shareKeys, (bytes) => [
      changed(shareKeys, bytes, ({ round }) => ({ round: flipped(round) })),
    ]),
    code: 'wrong-round',
    closeCode: 4002,
    stage: 'share-keys',
  },
  {
    name: 'is a stage ahead',
    tamper: instead(shareKeys, (bytes) => [
      unmasking.encode({
        round: roundOf(bytes),
        b: new Uint8Array(32),
        pairSecrets: new Uint8Array(0),
      }),
    ]),
    code: 'wrong-stage',
    closeCode: 4003,
    stage: 'share-keys',
  },
  {
    name: 'is a stage behind',
    tamper: instead(maskedInput, (bytes) => [
      shareKeys.encode({
        round: roundOf(bytes),
        boxes: new Uint8Array(0),
        tags: new Uint8Array(0),
      }),
    ]),
    // Its first ShareKeys differs from this one.
    code: 'conflicting-message',
    closeCode: 4004,
    stage: 'masked-input',
  },
  {
    name: 'sends two different ShareKeys',
    tamper: instead(shareKeys, (bytes) => [
      bytes,
      changed(shareKeys, bytes, ({ boxes }) => ({ boxes: flipped(boxes) })),
    ]),
    code: 'conflicting-message',
    closeCode: 4004,
    stage: 'share-keys',
  },
  {
    name: 'sends too few boxes',
    tamper: instead(shareKeys, (bytes) => [
      changed(shareKeys, bytes, ({ boxes }) => ({ boxes: boxes.subarray(80) })),
    ]),
    code: 'wire-invalid',
    closeCode: 4000,
    stage: 'share-keys',
  },
  {
    name: 'sends a vector one byte short',
    tamper: instead(maskedInput, (bytes) => [
      changed(maskedInput, bytes, ({ vector }) => ({ vector: vector.subarray(1) })),
    ]),
    code: 'wire-invalid',
    closeCode: 4000,
    stage: 'masked-input',
  },
  {
    name: 'sends two different masked inputs: the first stands, its mask comes off by shares',
    tamper: instead(maskedInput, (bytes) => [
      bytes,
      changed(maskedInput, bytes, ({ vector }) => ({ vector: flipped(vector) })),
    ]),
    code: 'conflicting-message',
    closeCode: 4004,
    stage: undefined,
  },
  {
    name: 'reveals a wrong b: it is recovered from shares',
    tamper: instead(unmasking, (bytes) => [
      changed(unmasking, bytes, ({ b }) => ({ b: flipped(b) })),
    ]),
    code: 'bad-reveal',
    closeCode: 4013,
    stage: undefined,
  },
  {
    name: 'reveals shares that nobody asked for',
    tamper: instead(unmasking, (bytes) => [
      revealShares.encode({
        round: roundOf(bytes),
        selfShares: new Uint8Array(0),
        keyShares: new Uint8Array(0),
      }),
    ]),
    code: 'wrong-stage',
    closeCode: 4003,
    stage: undefined,
  },
];

describe('a device of the round', () => {
  it.each(CASES)('that $name is sent away, and the others finish', async (given) => {
    const fleet = await start();
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i === BAD ? { tamper: given.tamper } : {},
    );
    expect(reports[BAD]).toMatchObject({ droppedCode: given.code, closeCode: given.closeCode });
    expect(reports[BAD]?.droppedDetail ?? '').toMatch(given.detail ?? '');
    await until(() => fleet.results.length === 1);
    const result = fleet.results[0]!;
    const survivors = given.stage === undefined ? SIX : WITHOUT_BAD;
    expect(result.lanes).toEqual(sumLanes(survivors.map((i) => lanesOf(fleet.task, i))));
    const code = given.counted ?? given.code;
    expect(result.dropped).toEqual(
      given.stage === undefined ? [] : [{ stage: given.stage, code, count: 1 }],
    );
    expect(result.silentAfterMasked).toBe(given.stage === undefined ? 1 : 0);
    for (const i of WITHOUT_BAD) {
      expect(reports[i]?.receipt).toMatchObject({ included: true, opened: true });
    }
  });

  it('that is late is sent away, and what it sends then changes nothing', async () => {
    const fleet = await start({ coordinator: { durations: { maskedInputMs: 1_500 } } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i !== BAD
        ? {}
        : {
            tamper: (type, bytes, { socket }) => {
              if (type !== maskedInput.type) return [bytes];
              socket.once('message', () => socket.send(bytes));
              return [];
            },
          },
    );
    expect(reports[BAD]).toMatchObject({ droppedCode: 'deadline-missed', closeCode: 4010 });
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]).toMatchObject({
      survivors: 5,
      lanes: sumLanes(WITHOUT_BAD.map((i) => lanesOf(fleet.task, i))),
    });
  });

  it('may repeat what it sent, byte for byte', async () => {
    const fleet = await start();
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i === BAD
        ? { tamper: (type, bytes) => (type === hello.type ? [bytes] : [bytes, bytes, bytes]) }
        : {},
    );
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]!.lanes).toEqual(sumLanes(SIX.map((i) => lanesOf(fleet.task, i))));
  });

  it.each([
    { name: 'garbage', make: () => [noise(40)], code: 'wire-invalid', closeCode: 4000 },
    {
      name: 'keys for another round',
      make: (bytes: Uint8Array) => [
        changed(advertiseKeys, bytes, ({ round }) => ({ round: flipped(round) })),
      ],
      code: 'wrong-round',
      closeCode: 4002,
    },
    {
      name: 'two different keys',
      make: (bytes: Uint8Array) => [
        bytes,
        changed(advertiseKeys, bytes, ({ c }) => ({ c: flipped(c) })),
      ],
      code: 'conflicting-message',
      closeCode: 4004,
    },
  ])('that advertises $name does not keep the others', async ({ make, code, closeCode }) => {
    const fleet = await start({ cohort: { min: 3, target: 5, max: 6 } });
    const [bad, ...others] = await enrolDevices(fleet, 6);
    const refused = await runDevice(fleet, bad!, { tamper: instead(advertiseKeys, make) });
    expect(refused).toMatchObject({ droppedCode: code, closeCode });
    for (const { receipt } of await runDevices(fleet, others)) expect(receipt?.devices).toBe(5);
  });

  it('whose advertisement it did not sign does not keep the others', async () => {
    const fleet = await start({ cohort: { min: 3, target: 5, max: 6 } });
    const [bad, ...others] = await enrolDevices(fleet, 6);
    const tamper = instead(advertiseKeys, (bytes) => [
      changed(advertiseKeys, bytes, () => ({ signature: strangersSignature() })),
    ]);
    const refused = await runDevice(fleet, bad!, { tamper });
    expect(refused).toMatchObject({ droppedCode: 'device-refused', closeCode: 4009 });
    expect(refused.droppedDetail).toBe('AdvertiseKeys: not signed by the pseudonym');
    for (const { receipt } of await runDevices(fleet, others)) expect(receipt?.devices).toBe(5);
  });
});

describe('admission', () => {
  const unknownTask = { name: 'unknown' };
  it.each([
    { name: 'garbage', make: () => [noise(40)], code: 'wire-invalid', closeCode: 4000 },
    { name: 'an empty frame', make: () => [noise(0)], code: 'wire-invalid', closeCode: 4000 },
    { name: 'far too much', make: () => [noise(1_025)], code: 'oversized', closeCode: 4001 },
    {
      name: 'another message',
      make: () => [
        unmasking.encode({
          round: new Uint8Array(16),
          b: new Uint8Array(32),
          pairSecrets: new Uint8Array(0),
        }),
      ],
      code: 'wrong-stage',
      closeCode: 4003,
    },
    {
      name: 'a signature over another challenge',
      make: (bytes: Uint8Array) => [
        changed(hello, bytes, () => ({ signature: strangersSignature() })),
      ],
      code: 'hello-refused',
      closeCode: 4005,
    },
    {
      name: 'a certificate that the registrar did not sign',
      make: (bytes: Uint8Array) => [
        changed(hello, bytes, ({ certificate }) => ({
          certificate: { ...certificate, signature: strangersSignature() },
        })),
      ],
      code: 'certificate-refused',
      closeCode: 4006,
    },
    {
      name: 'a certificate of another epoch',
      make: (bytes: Uint8Array) => [
        changed(hello, bytes, ({ certificate }) => ({
          certificate: { ...certificate, epoch: certificate.epoch - 1 },
        })),
      ],
      code: 'certificate-refused',
      closeCode: 4006,
    },
    {
      name: 'a task that is not served',
      make: (bytes: Uint8Array) => [
        changed(hello, bytes, ({ taskId }) => ({ taskId: flipped(taskId) })),
      ],
      code: 'task-unknown',
      closeCode: 4007,
    },
  ])('refuses $name', async ({ make, code, closeCode }) => {
    const fleet = await start();
    const report = await runDevice(fleet, await enrolDevice(fleet), {
      tamper: instead(hello, make),
    });
    expect(report).toMatchObject({ droppedCode: code, closeCode });
    expect(fleet.coordinator.health()).toMatchObject({ gathering: 0, running: 0 });
  });

  it('refuses a Hello that was made for another connection', async () => {
    const fleet = await start();
    const identity = await enrolDevice(fleet);
    let recorded = new Uint8Array(0);
    const first = runDevice(fleet, identity, {
      tamper: instead(hello, (bytes) => {
        recorded = new Uint8Array(bytes);
        return [bytes];
      }),
    });
    await until(() => fleet.coordinator.health().gathering === 1);
    const replayed = await runDevice(fleet, identity, { tamper: instead(hello, () => [recorded]) });
    expect(replayed).toMatchObject({ droppedCode: 'hello-refused', closeCode: 4005 });
    // The one whose Hello was replayed keeps its place.
    await until(() => fleet.coordinator.health().connections === 1);
    await fleet.coordinator.close();
    expect((await first).droppedCode).toBe('shutting-down');
  });

  it('refuses a device of a task that this coordinator does not have', async () => {
    const fleet = await start();
    const task = makeTask(fleet.keys, unknownTask);
    const report = await runDevice(fleet, await enrolDevice(fleet), { task });
    expect(report.droppedCode).toBe('task-unknown');
    expect(report.droppedDetail).toMatch(/update the manifest/);
  });

  it('refuses a message before a round was offered', async () => {
    const fleet = await start({
      port: (registrar) => ({
        attest: async (bytes) => {
          await sleep(300);
          return await registrar.attest(bytes);
        },
      }),
    });
    const report = await runDevice(fleet, await enrolDevice(fleet), {
      tamper: instead(hello, (bytes) => [bytes, bytes]),
    });
    expect(report).toMatchObject({ droppedCode: 'wrong-stage', closeCode: 4003 });
  });
});
