/**
 * §5.7: wrong shares are corrected, and the result and the log say whose they can be. Real sockets.
 * Ten devices, t = 5 and t₁ = 1; what silent survivors dealt is asked of the eight that are left.
 */
import { decodeFrame, revealShares, roster, shareKeys, unmasking } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  type DeviceOptions,
  type Fleet,
  enrolDevices,
  lanesOf,
  runDevices,
  sumLanes,
  until,
} from './wire-fleet.js';

const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const LIAR = 6;
const RECORD_BYTES = 36;

const start = closedAfterEach({ cohort: { min: 10, target: 10, max: 10 } });

type Tamper = NonNullable<DeviceOptions['tamper']>;

/** A share's first symbol, in every record. */
function spoilRecords(records: Uint8Array): Uint8Array {
  return records.map((byte, i) => (i % RECORD_BYTES === 4 ? byte ^ 1 : byte));
}

const spoilReveals: Tamper = (type, bytes) => {
  if (type !== revealShares.type) return [bytes];
  const message = revealShares.parse(decodeFrame(bytes));
  return [revealShares.encode({ ...message, selfShares: spoilRecords(message.selfShares) })];
};

/** It leaves in order, so that nobody waits for it. */
const fallSilent: Tamper = (type, bytes, { socket }) => {
  if (type !== unmasking.type) return [bytes];
  socket.close(1000);
  return [];
};

interface Played {
  readonly fleet: Fleet;
  /** By device: its place in the roster. */
  readonly places: readonly number[];
}

async function play(tamperOf: (i: number) => Tamper | undefined): Promise<Played> {
  const fleet = await start();
  const places: number[] = [];
  const reports = await runDevices(fleet, await enrolDevices(fleet, 10), (i) => {
    const tamper = tamperOf(i);
    const tap: DeviceOptions['tap'] = (_, bytes) => {
      const raw = decodeFrame(bytes);
      if (raw[0] === roster.type) places[i] = roster.parse(raw).index;
    };
    return tamper === undefined ? { tap } : { tap, tamper };
  });
  await until(() => fleet.results.length === 1);
  expect(fleet.results[0]).toMatchObject({
    devices: 10,
    survivors: 10,
    lanes: sumLanes(TEN.map((i) => lanesOf(fleet.task, i))),
  });
  expect(reports.filter(({ receipt }) => receipt?.opened).length).toBeGreaterThanOrEqual(7);
  return { fleet, places };
}

function blameIn({ log }: Fleet): unknown[] {
  return log.lines
    .filter((line) => line.includes('wrong shares were corrected'))
    .map((line) => JSON.parse(line));
}

describe('the blame log', () => {
  it('names the place of a device that gives wrong shares, and nobody else', async () => {
    const silent = [1, 8];
    const { fleet, places } = await play((i) => {
      if (silent.includes(i)) return fallSilent;
      return i === LIAR ? spoilReveals : undefined;
    });
    const dealers = silent.map((i) => places[i]!).sort((a, b) => a - b);
    const blame = {
      inconsistentShares: dealers.map((dealer) => ({ dealer, holder: places[LIAR] })),
      atFault: [places[LIAR]],
    };
    expect(fleet.results[0]).toMatchObject({ silentAfterMasked: 2, ...blame });
    expect(blameIn(fleet)).toMatchObject([{ level: 40, round: fleet.results[0]!.round, ...blame }]);
  });

  it('names the two ends of one wrong share, of which either can have made it', async () => {
    const { fleet, places } = await play((i) => {
      if (i === 1) return fallSilent;
      return i === LIAR ? spoilReveals : undefined;
    });
    const blame = {
      inconsistentShares: [{ dealer: places[1], holder: places[LIAR] }],
      atFault: [],
    };
    expect(fleet.results[0]).toMatchObject(blame);
    expect(blameIn(fleet)).toMatchObject([blame]);
  });

  it('says nothing of a share that could not be opened, nor when all is well', async () => {
    const { fleet } = await play((i) => {
      if (i === 1) return fallSilent;
      if (i !== LIAR) return undefined;
      // What does not open is not given on.
      return (type, bytes) => {
        if (type !== shareKeys.type) return [bytes];
        const message = shareKeys.parse(decodeFrame(bytes));
        return [shareKeys.encode({ ...message, boxes: message.boxes.map((byte) => byte ^ 1) })];
      };
    });
    expect(fleet.results[0]).toMatchObject({ inconsistentShares: [], atFault: [] });
    expect(blameIn(fleet)).toEqual([]);
  });
});
