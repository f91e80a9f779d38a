/**
 * §5.9 over real sockets: a connection may break before or after any message of a device. The device comes
 * back with its token, sends what did not arrive, and is counted once; a token of somebody else is worth
 * nothing, and one that a device uses beside its old connection takes the place over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  advertiseKeys,
  decodeFrame,
  dropped,
  hello,
  maskedInput,
  offer,
  resume,
  resumed,
  revealShares,
  shareKeys,
  unmasking,
  uploadRequest,
} from '@onlysum/protocol';
import { equalBytes, systemRng, toHex } from '@onlysum/crypto';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { closedAfterEach } from './fleets.js';
import {
  type DeviceOptions,
  type DeviceReport,
  type Fleet,
  type Line,
  connect,
  enrolDevices,
  lanesOf,
  runDevice,
  runDevices,
  suite,
  sumLanes,
  until,
} from './wire-fleet.js';

const BROKEN = 2;
/** Keeps its message back where the stage must last, or falls silent where shares are to be asked for. */
const OTHER = 4;
const SIX = [0, 1, 2, 3, 4, 5];

type Tamper = NonNullable<DeviceOptions['tamper']>;

interface MessageKind {
  readonly type: number;
  readonly name: string;
}

const start = closedAfterEach({ cohort: { min: 3, target: 6, max: 6 } });

/** Soon, but not at once: what was sent before has been read by then. */
const soon = (): Promise<void> => sleep(20);

/** The socket is destroyed, and the message never leaves. */
function cutBefore(_: Uint8Array, { socket }: Line): void {
  socket.terminate();
}

/** The message leaves; nothing is read any more, no answer to it either, and the socket is destroyed. */
function cutAfter(bytes: Uint8Array, { socket }: Line): void {
  socket.pause();
  socket.send(bytes, () => socket.terminate());
}

/** The first time that a message of this kind is due. */
function once({ type }: MessageKind, cut: (bytes: Uint8Array, line: Line) => void): Tamper {
  let isDone = false;
  return (sent, bytes, line) => {
    if (sent !== type || isDone) return [bytes];
    isDone = true;
    cut(bytes, line);
    return [];
  };
}

/** A message of this kind waits until `released`. */
function held({ type }: MessageKind, released: Promise<unknown>): Tamper {
  return (sent, bytes, { socket }) => {
    if (sent !== type) return [bytes];
    void released.then(() => socket.send(bytes));
    return [];
  };
}

const leave = (_: Uint8Array, { socket }: Line): void => socket.close(1000);

/** What a device was told when it came back, and what it sent. */
class Tap {
  readonly resumed: ReturnType<typeof resumed.parse>[] = [];
  readonly sent: Uint8Array[] = [];
  readonly see: NonNullable<DeviceOptions['tap']> = (direction, bytes) => {
    const raw = decodeFrame(bytes);
    if (direction === 'up') this.sent.push(bytes);
    else if (raw[0] === resumed.type) this.resumed.push(resumed.parse(raw));
  };

  /** Hex. */
  sentOf({ type }: MessageKind): string[] {
    return this.sent.filter((bytes) => decodeFrame(bytes)[0] === type).map(toHex);
  }
}

function sumOf(fleet: Fleet, devices: readonly number[] = SIX): number[] {
  return sumLanes(devices.map((i) => lanesOf(fleet.task, i)));
}

/** Everybody in the sum once, nobody lost. */
async function expectWhole(fleet: Fleet, silentAfterMasked = 0): Promise<void> {
  await until(() => fleet.results.length === 1);
  expect(fleet.results[0]).toMatchObject({
    devices: 6,
    survivors: 6,
    dropped: [],
    silentAfterMasked,
    lanes: sumOf(fleet),
  });
}

const CUTS = [
  { when: 'before', cut: cutBefore },
  { when: 'right after, its answer unread,', cut: cutAfter },
] as const;
const IN_ROUND = [
  advertiseKeys,
  shareKeys,
  uploadRequest,
  maskedInput,
  unmasking,
  revealShares,
] as const satisfies readonly MessageKind[];
const CASES = IN_ROUND.flatMap((kind) =>
  CUTS.flatMap((cut) =>
    (['the stage lasts', 'the others do not wait'] as const).map((others) => ({
      kind,
      name: kind.name,
      ...cut,
      others,
    })),
  ),
);

describe('a device whose connection breaks inside the round', () => {
  it.each(CASES)('$when $name comes back while $others', async ({ kind, when, cut, others }) => {
    const fleet = await start();
    const tap = new Tap();
    const isBack = until(() => tap.resumed.length === 1);
    const isRecovery = kind === revealShares;
    let wanted = new Uint8Array(0);
    const keep = (bytes: Uint8Array, line: Line): void => {
      wanted = new Uint8Array(bytes);
      cut(bytes, line);
    };
    const waiter = isRecovery ? 3 : OTHER;
    const isLastWord = (kind === unmasking || isRecovery) && cut === cutAfter;
    // With its last word gone through and nobody to wait for, the round ends without it.
    const isTooLate = isLastWord && others !== 'the stage lasts';
    const returns = isTooLate ? () => until(() => fleet.results.length === 1) : soon;
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) => {
      if (i === BROKEN) return { tamper: once(kind, keep), returns, tap: tap.see };
      if (isRecovery && i === OTHER) return { tamper: once(unmasking, leave) };
      return i === waiter && others === 'the stage lasts' ? { tamper: held(kind, isBack) } : {};
    });
    await expectWhole(fleet, isRecovery ? 1 : 0);
    const { receipt, droppedCode } = reports[BROKEN]!;
    expect(receipt).toMatchObject({ included: true, opened: isTooLate ? undefined : true });
    if (isTooLate) return expect(droppedCode).toBe('resume-refused');
    await isBack;
    expect(tap.resumed).toHaveLength(1);
    const hadArrived = equalBytes(tap.resumed[0]!.accepted, suite.sha256(wanted));
    expect(hadArrived).toBe(when !== 'before');
    // The tap sees what is sent after the return: what had arrived is not sent again. Recover is, and the
    // answer to it is always the same.
    const again = [...new Set(tap.sentOf(kind))];
    expect(again).toEqual(hadArrived && !isRecovery ? [] : [toHex(wanted)]);
  });

  it.each(CUTS)('$when Hello is not in it yet, and joins anew', async ({ cut }) => {
    const fleet = await start();
    const identities = await enrolDevices(fleet, 6);
    const run = async (i: number): Promise<DeviceReport> => {
      const lanes = lanesOf(fleet.task, i);
      if (i !== BROKEN) return await runDevice(fleet, identities[i]!, { lanes });
      const lost = await runDevice(fleet, identities[i]!, { lanes, tamper: once(hello, cut) });
      expect(lost.error).toMatchObject({ code: 'connection-lost', retryable: true });
      return await runDevice(fleet, identities[i]!, { lanes });
    };
    const reports = await Promise.all(SIX.map(run));
    await expectWhole(fleet);
    for (const { receipt } of reports)
      expect(receipt).toMatchObject({ included: true, devices: 6 });
  });

  it('may be all of them at once, and at every message', async () => {
    const fleet = await start();
    const taps = SIX.map(() => new Tap());
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) => {
      const cuts = IN_ROUND.flatMap((kind) => CUTS.map(({ cut }) => once(kind, cut)));
      const tamper: Tamper = (type, bytes, line) => {
        for (const each of cuts) if (each(type, bytes, line).length === 0) return [];
        return [bytes];
      };
      return { tamper, returns: soon, tap: taps[i]!.see };
    });
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]).toMatchObject({ survivors: 6, dropped: [], lanes: sumOf(fleet) });
    for (const { receipt } of reports) expect(receipt).toMatchObject({ included: true });
    // Before and after each of AdvertiseKeys, ShareKeys, UploadRequest, MaskedInput, before Unmasking.
    for (const { resumed: times } of taps) expect(times.length).toBeGreaterThanOrEqual(9);
  });

  it('is dropped with the reason when it stays away, and learns so when it is back', async () => {
    const fleet = await start({ coordinator: { durations: { resumeGraceMs: 100 } } });
    const isMasking = (): boolean => fleet.log.lines.some((l) => l.includes('"stage":"masking"'));
    let isRefused: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (isRefused = resolve));
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) => {
      if (i === OTHER) return { tamper: held(maskedInput, refused) };
      if (i !== BROKEN) return {};
      const tap: DeviceOptions['tap'] = (_, bytes) => {
        if (decodeFrame(bytes)[0] === dropped.type) isRefused();
      };
      return { tamper: once(shareKeys, cutBefore), returns: () => until(isMasking), tap };
    });
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]).toMatchObject({
      devices: 6,
      survivors: 5,
      dropped: [{ stage: 'share-keys', code: 'connection-lost', count: 1 }],
      lanes: sumOf(
        fleet,
        SIX.filter((i) => i !== BROKEN),
      ),
    });
    expect(reports[BROKEN]).toMatchObject({ droppedCode: 'resume-refused', closeCode: 4022 });
    expect(reports[BROKEN]!.error).toMatchObject({ code: 'resume-refused', retryable: true });
    expect(reports[BROKEN]!.receipt).toBeUndefined();
  });
});

describe('a token', () => {
  it.each([
    { whose: 'nobody', token: () => systemRng(32), round: (own: Uint8Array) => own },
    {
      whose: 'a place, in a round that does not exist,',
      token: (own: Uint8Array) => own,
      round: () => systemRng(16),
    },
  ])('of $whose is refused, and the round goes on', async ({ token, round }) => {
    const fleet = await start();
    let isRefused: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (isRefused = resolve));
    let said: Promise<Refused> | undefined;
    const tap: DeviceOptions['tap'] = (_, bytes) => {
      const raw = decodeFrame(bytes);
      if (raw[0] !== offer.type) return;
      const offered = offer.parse(raw);
      said = claim(fleet, { round: round(offered.round), token: token(offered.token) });
      void said.then(isRefused);
    };
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i === BROKEN ? { tap } : { tamper: held(shareKeys, refused) },
    );
    expect(await said).toEqual({ code: 'resume-refused', closeCode: 4022 });
    await expectWhole(fleet);
    for (const { receipt } of reports) expect(receipt?.opened).toBe(true);
  });

  it('of a place in another round is refused, and both rounds go on', async () => {
    const fleet = await start({ cohort: { min: 3, target: 3, max: 3 }, dropout: 0 });
    const offers = new Map<string, ReturnType<typeof offer.parse>>();
    let isRefused: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (isRefused = resolve));
    let said: Promise<Refused> | undefined;
    await runDevices(fleet, await enrolDevices(fleet, 6), () => ({
      tamper: held(shareKeys, refused),
      tap: (_, bytes) => {
        const raw = decodeFrame(bytes);
        if (raw[0] !== offer.type) return;
        const offered = offer.parse(raw);
        offers.set(offered.round.join(), offered);
        const [first, second] = [...offers.values()];
        if (first === undefined || second === undefined || said !== undefined) return;
        said = claim(fleet, { round: second.round, token: first.token });
        void said.then(isRefused);
      },
    }));
    expect(await said).toEqual({ code: 'resume-refused', closeCode: 4022 });
    await until(() => fleet.results.length === 2);
    const sums = fleet.results.map(({ lanes }) => Uint32Array.from(lanes));
    expect(sumLanes(sums)).toEqual(sumOf(fleet));
  });

  it.each(IN_ROUND.filter((kind) => kind !== revealShares))(
    'used after $name, beside the connection it replaces, takes the place over',
    async (kind) => {
      const fleet = await start();
      const tap = new Tap();
      const isBack = until(() => tap.resumed.length === 1);
      let older: WebSocket | undefined;
      let closed: Promise<number> | undefined;
      const halfOpen = once(kind, (bytes, line) => {
        older = line.socket;
        closed = new Promise((resolve) => line.socket.once('close', resolve));
        older.send(bytes);
        line.abandon();
      });
      // The others wait until the older one is closed, and what still comes on it costs nobody a place.
      const isTakenOver = isBack.then(async () => {
        older?.send(Uint8Array.of(0xc1));
        older?.resume();
        return await closed;
      });
      const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) => {
        if (i === BROKEN) return { tamper: halfOpen, returns: soon, tap: tap.see };
        return i === OTHER ? { tamper: held(kind, isTakenOver) } : {};
      });
      await expectWhole(fleet);
      expect(await isTakenOver).toBe(1000);
      expect(reports[BROKEN]!.receipt).toMatchObject({ included: true, opened: true });
    },
  );
});

interface Refused {
  readonly code: string | undefined;
  readonly closeCode: number;
}

/** A stranger's claim on a place. */
function claim(fleet: Fleet, place: Parameters<typeof resume.encode>[0]): Promise<Refused> {
  const socket = connect(fleet);
  let code: string | undefined;
  socket.once('message', () => socket.send(resume.encode(place)));
  socket.on('message', (data: Buffer) => {
    const raw = decodeFrame(new Uint8Array(data));
    if (raw[0] === dropped.type) code = dropped.parse(raw).code;
    if (raw[0] === resumed.type) code = 'resumed';
  });
  return new Promise((resolve) => {
    socket.once('close', (closeCode) => resolve({ code, closeCode }));
  });
}
