/**
 * The device enforces every rule of §5 itself: a hostile coordinator, and where the rule is about what
 * may be signed a hostile registrar too, against one victim. Each row names the refusal; afterwards
 * nothing more of the victim may be on the wire.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type RosterFacts,
  challenge,
  closed,
  decodeFrame,
  encodeBitmap,
  maskContext,
  offer,
  recover,
  roster,
  roundContext,
  sharedSet,
  sharedSetStatement,
  survivorSet,
  survivorSetStatement,
} from '@onlysum/protocol';
import {
  DEVICE_MESSAGES,
  type DeviceMessage,
  type RoundOptions,
  type SimulatedRound,
  simulateRound,
} from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum } from './fleet.js';

const VICTIM = 0;
const DEVICES = 6;
const OTHERS_SIGNATURE = new Uint8Array(64).fill(7);

const IN_ORDER: readonly DeviceMessage[] = [
  'Hello',
  'AdvertiseKeys',
  'ShareKeys',
  'UploadRequest',
  'MaskedInput',
  'Unmasking',
  'RevealShares',
];

interface Row {
  readonly name: string;
  readonly code: string;
  /** The last message the victim may send. */
  readonly last: DeviceMessage;
  readonly options?: (options: RoundOptions) => Partial<RoundOptions>;
  readonly change?: (seen: Seen) => Uint8Array[] | undefined;
}

/** What the hostile coordinator knows when a message to the victim passes. */
interface Seen {
  readonly type: number;
  readonly raw: readonly unknown[];
  readonly bytes: Uint8Array;
  readonly facts: RosterFacts;
  readonly index: number;
  readonly context: Uint8Array;
  readonly context2: Uint8Array;
  readonly sign: (statement: Uint8Array) => Uint8Array;
}

const rows: Row[] = [
  {
    name: 'an announcement that the registrar did not sign',
    code: 'announcement-signature',
    last: 'Hello',
    change: on(offer, (m) => ({
      ...m,
      announcement: { ...m.announcement, signature: OTHERS_SIGNATURE },
    })),
  },
  {
    name: 'a window that is not now',
    code: 'window-not-now',
    last: 'Hello',
    change: on(offer, (m) => ({
      ...m,
      announcement: { ...m.announcement, window: m.announcement.window - 2 },
    })),
  },
  {
    name: 'an incarnation older than the one it knows',
    code: 'incarnation-rollback',
    last: 'Hello',
    options: () => ({ knownIncarnation: Number.MAX_SAFE_INTEGER }),
  },
  {
    name: 'a roster that the registrar did not sign',
    code: 'roster-signature',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'a neighbour’s keys swapped for the coordinator’s own',
    code: 'roster-proof',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => {
      const neighbours = m.neighbours.slice();
      neighbours.set(nativeSuite.x25519PublicKey(new Uint8Array(32).fill(9)), 4 + 32);
      return { ...m, neighbours };
    }),
  },
  {
    name: 'the place of another device',
    code: 'wire-invalid',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, index: (m.index + 1) % m.n })),
  },
  {
    name: 'a neighbour twice, under the registrar’s own signature',
    code: 'wire-invalid',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => {
      const neighbours = m.neighbours.slice();
      neighbours.copyWithin(68, 0, 68);
      return { ...m, neighbours };
    }),
  },
  {
    name: 'a lower threshold',
    code: 'roster-parameters',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, t: m.t - 1 })),
  },
  {
    name: 'fewer neighbours than the graph has',
    code: 'roster-parameters',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, k: m.k - 1, neighbours: m.neighbours.slice(68) })),
  },
  {
    name: 'more devices than the manifest’s cohort',
    code: 'roster-parameters',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, n: DEVICES + 1 })),
  },
  {
    name: 'a cohort below its own floor',
    code: 'below-floor',
    last: 'AdvertiseKeys',
    options: (options) => ({ floor: { ...options.floor, minHonest: DEVICES } }),
  },
  {
    name: 'a second roster',
    code: 'second-message',
    last: 'ShareKeys',
    change: repeatChanged(roster, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'a U2 that the registrar did not sign',
    code: 'shared-set-signature',
    last: 'ShareKeys',
    change: on(sharedSet, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'a U2 with too few devices, signed',
    code: 'set-too-small',
    last: 'ShareKeys',
    change: signedSharedSet([0, 1, 2]),
  },
  {
    name: 'a U2 without itself, signed',
    code: 'left-out',
    last: 'ShareKeys',
    change: ({ index, ...seen }) =>
      signedSharedSet([0, 1, 2, 3, 4, 5].filter((i) => i !== index))({ index, ...seen }),
  },
  {
    name: 'a U2 with padding bits',
    code: 'wire-invalid',
    last: 'ShareKeys',
    change: on(sharedSet, (m) => ({ ...m, members: Uint8Array.of(0xff) })),
  },
  {
    name: 'boxes that do not open, more than it can miss',
    code: 'too-few-shares',
    last: 'ShareKeys',
    change: on(sharedSet, (m) => ({ ...m, boxes: new Uint8Array(m.boxes.length) })),
  },
  {
    name: 'a box too few',
    code: 'wire-invalid',
    last: 'ShareKeys',
    change: on(sharedSet, (m) => ({ ...m, boxes: m.boxes.slice(80) })),
  },
  {
    name: 'a second U2',
    code: 'second-message',
    last: 'MaskedInput',
    change: repeatChanged(sharedSet, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'a contribution that its store has already given elsewhere',
    code: 'already-contributed',
    last: 'ShareKeys',
    options: () => ({ reservation: (device) => (device === VICTIM ? 'conflict' : 'reserved') }),
  },
  {
    name: 'a contribution that its store cannot record',
    code: 'record-failed',
    last: 'ShareKeys',
    options: () => ({ reservation: (device) => (device === VICTIM ? 'failed' : 'reserved') }),
  },
  {
    name: 'an input above its lane’s bound, from its own encoder',
    code: 'internal',
    last: 'ShareKeys',
    options: ({ inputs }) => ({
      inputs: inputs.map((lanes, i) => (i === VICTIM ? lanes.map(() => 2) : lanes)),
    }),
  },
  {
    name: 'a U3 that the registrar did not sign',
    code: 'survivor-set-signature',
    last: 'MaskedInput',
    change: on(survivorSet, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'a U3 cut down below n − D, signed',
    code: 'set-too-small',
    last: 'MaskedInput',
    change: (seen) => signedSurvivorSet([seen.index, (seen.index + 1) % DEVICES])(seen),
  },
  {
    name: 'a U3 that is not within U2, signed',
    code: 'set-not-nested',
    last: 'MaskedInput',
    options: () => ({
      kills: [{ device: 3, when: 'before', message: 'ShareKeys', noticed: true }],
    }),
    change: signedSurvivorSet([0, 1, 2, 3, 4, 5]),
  },
  {
    name: 'a second U3',
    code: 'second-message',
    last: 'Unmasking',
    change: repeatChanged(survivorSet, (m) => ({ ...m, signature: OTHERS_SIGNATURE })),
  },
  {
    name: 'R with a device outside U3',
    code: 'recovery-refused',
    last: 'Unmasking',
    options: dropBeforeMasked,
    change: askFor((droppedIndex) => ({ silent: [droppedIndex], dropped: [] })),
  },
  {
    name: 'S with a device inside U3',
    code: 'recovery-refused',
    last: 'Unmasking',
    options: dropBeforeMasked,
    change: askFor((droppedIndex, own) => ({
      silent: [],
      dropped: [[0, 1, 2].find((i) => i !== droppedIndex && i !== own) ?? 0],
    })),
  },
  {
    name: 'recovery before any U3',
    code: 'wrong-stage',
    last: 'MaskedInput',
    change: instead(survivorSet, ({ facts }) =>
      recover.encode({
        round: facts.round,
        silent: encodeBitmap([1], DEVICES),
        dropped: encodeBitmap([], DEVICES),
      }),
    ),
  },
  {
    name: 'a message of another round',
    code: 'wrong-round',
    last: 'AdvertiseKeys',
    change: on(roster, (m) => ({ ...m, round: new Uint8Array(16) })),
  },
  {
    name: 'the end of a round that is not there yet',
    code: 'wrong-stage',
    last: 'ShareKeys',
    change: instead(sharedSet, ({ facts }) =>
      closed.encode({
        round: facts.round,
        opened: true,
        coordinatorHead: null,
        registrarHead: null,
      }),
    ),
  },
  {
    name: 'a second challenge',
    code: 'second-message',
    last: 'Hello',
    change: repeatChanged(challenge, () => ({ challenge: new Uint8Array(32) })),
  },
  {
    name: 'bytes that are no message',
    code: 'wire-invalid',
    last: 'ShareKeys',
    change: instead(sharedSet, () => Uint8Array.of(0x81, 0xa1, 0x61, 0x01)),
  },
];

describe('a device against a hostile coordinator', () => {
  for (const row of rows) {
    it(`refuses ${row.name} (${row.code})`, () => {
      const { round } = play(row);
      const outcome = round.devices[VICTIM];
      expect(outcome?.kind === 'failed' ? outcome.error.code : outcome?.kind).toBe(row.code);
      const allowed = IN_ORDER.slice(0, IN_ORDER.indexOf(row.last) + 1).map(
        (name) => DEVICE_MESSAGES[name],
      );
      for (const type of sentBy(round, VICTIM)) expect(allowed).toContain(type);
    });
  }

  it('lets the others finish without the victim, where it fails before U3', () => {
    const row = rows.find(({ code }) => code === 'already-contributed');
    if (row === undefined) throw new Error('no such row');
    const { round, options } = play(row);
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
    expect(round.outcome.result.survivors).toBe(DEVICES - 1);
  });

  it('refuses a window outside the task’s validity (task-not-valid)', () => {
    const base = fleet({ devices: DEVICES });
    const round = simulateRound({ ...base, deviceTask: withValidity(base, 0, 1) });
    const outcome = round.devices[VICTIM];
    expect(outcome?.kind === 'failed' && outcome.error.code).toBe('task-not-valid');
  });

  it('takes the same bytes twice without a word', () => {
    const options = fleet({ devices: DEVICES });
    const round = simulateRound({ ...options, intercept: ({ bytes }) => [bytes, bytes] });
    expect(round.outcome.kind).toBe('result');
    expect(round.devices.every((device) => device?.kind === 'receipt')).toBe(true);
  });
});

function play(row: Row): { round: SimulatedRound; options: RoundOptions } {
  const base = fleet({ devices: DEVICES, dropout: 334 });
  const options = { ...base, ...row.options?.(base) };
  const known: { facts?: RosterFacts; index?: number; context2?: Uint8Array } = {};
  const round = simulateRound({
    ...options,
    intercept: ({ device, direction, bytes }) => {
      if (device !== VICTIM || direction === 'up') return [bytes];
      const raw = decodeFrame(bytes);
      remember(known, raw, options);
      const facts = known.facts;
      const seen: Seen = {
        type: Number(raw[0]),
        raw,
        bytes,
        facts: facts ?? ({ round: new Uint8Array(16) } as unknown as RosterFacts),
        index: known.index ?? 0,
        context: facts?.root === undefined ? new Uint8Array(0) : roundContext(nativeSuite, facts),
        context2: known.context2 ?? new Uint8Array(0),
        sign: (statement) => nativeSuite.ed25519Sign(options.synthetic.registrarSeed, statement),
      };
      return row.change?.(seen) ?? [bytes];
    },
  });
  return { round, options };
}

function remember(
  known: { facts?: RosterFacts; index?: number; context2?: Uint8Array },
  raw: readonly unknown[],
  options: RoundOptions,
): void {
  if (raw[0] === offer.type) {
    const { round, announcement } = offer.parse(raw);
    known.facts = {
      round,
      window: announcement.window,
      incarnation: announcement.incarnation,
      taskId: options.synthetic.task.taskId,
    } as unknown as RosterFacts;
  }
  if (raw[0] === roster.type && known.facts !== undefined) {
    const { n, k, t, seed, root, index } = roster.parse(raw);
    known.facts = { ...known.facts, n, k, t, seed, root };
    known.index = index;
  }
  if (raw[0] === sharedSet.type && known.facts !== undefined) {
    const context = roundContext(nativeSuite, known.facts);
    known.context2 = maskContext(nativeSuite, context, sharedSet.parse(raw).members);
  }
}

interface AnyCodec<T> {
  readonly type: number;
  encode(value: T): Uint8Array;
  parse(raw: readonly unknown[]): T;
}

function on<T>(codec: AnyCodec<T>, change: (message: T, seen: Seen) => T) {
  return (seen: Seen): Uint8Array[] | undefined =>
    seen.type === codec.type ? [codec.encode(change(codec.parse(seen.raw), seen))] : undefined;
}

/** The true message, and then a changed one. */
function repeatChanged<T>(codec: AnyCodec<T>, change: (message: T) => T) {
  return (seen: Seen): Uint8Array[] | undefined =>
    seen.type === codec.type
      ? [seen.bytes, codec.encode(change(codec.parse(seen.raw)))]
      : undefined;
}

function instead<T>(codec: AnyCodec<T>, make: (seen: Seen) => Uint8Array) {
  return (seen: Seen): Uint8Array[] | undefined =>
    seen.type === codec.type ? [make(seen)] : undefined;
}

/** A set that the registrar signs although it must not: the device refuses it all the same. */
function signedSharedSet(members: number[]) {
  return (seen: Seen): Uint8Array[] | undefined => {
    if (seen.type !== sharedSet.type) return undefined;
    const { round, boxes } = sharedSet.parse(seen.raw);
    const bitmap = encodeBitmap(members, DEVICES);
    const signature = seen.sign(sharedSetStatement(seen.context, bitmap));
    return [sharedSet.encode({ round, members: bitmap, signature, boxes })];
  };
}

function signedSurvivorSet(members: number[]) {
  return (seen: Seen): Uint8Array[] | undefined => {
    if (seen.type !== survivorSet.type) return undefined;
    const { round } = survivorSet.parse(seen.raw);
    const bitmap = encodeBitmap(members, DEVICES);
    const signature = seen.sign(survivorSetStatement(seen.context2, bitmap));
    return [survivorSet.encode({ round, members: bitmap, signature })];
  };
}

function dropBeforeMasked(): Partial<RoundOptions> {
  return { kills: [{ device: 3, when: 'before', message: 'MaskedInput', noticed: true }] };
}

/** After the true U3, an attempt to get the other kind of share. */
function askFor(choose: (dropped: number, own: number) => { silent: number[]; dropped: number[] }) {
  return (seen: Seen): Uint8Array[] | undefined => {
    if (seen.type !== survivorSet.type) return undefined;
    const { members, round } = survivorSet.parse(seen.raw);
    const lost = [0, 1, 2, 3, 4, 5].find((i) => ((members[0] ?? 0) >> i) % 2 === 0) ?? 0;
    const { silent, dropped } = choose(lost, seen.index);
    const ask = recover.encode({
      round,
      silent: encodeBitmap(silent, DEVICES),
      dropped: encodeBitmap(dropped, DEVICES),
    });
    return [seen.bytes, ask];
  };
}

function withValidity({ synthetic }: RoundOptions, notBeforeMs: number, notAfterMs: number) {
  const validity = { notBeforeMs, notAfterMs };
  return { ...synthetic.task, manifest: { ...synthetic.task.manifest, validity } };
}

function sentBy(round: SimulatedRound, device: number): number[] {
  return round.transcript
    .filter((message) => message.direction === 'up' && message.device === device)
    .map(({ bytes }) => Number(decodeFrame(bytes)[0]));
}
