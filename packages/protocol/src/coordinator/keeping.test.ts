/** Between an opened sum and the last word: the stage `keeping`, from its first event to its end. */
import { unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, it } from 'vitest';
import { closed, resumed } from '../messages/from-coordinator.js';
import { decodeFrame } from '../wire/codec.js';
import { stepCoordinator } from './machine.js';
import {
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  DEFAULT_DURATIONS,
  type Place,
  type RoundParams,
} from './types.js';

const round = new Uint8Array(16).fill(4);
const head = (fill: number) => ({
  sequence: fill,
  digest: new Uint8Array(32).fill(fill),
  signature: new Uint8Array(64).fill(fill),
});
const params = { round, durations: DEFAULT_DURATIONS } as unknown as RoundParams;
const context = { suite: nativeSuite, rng: unsafeSeededRng('keeping'), nowMs: 5 };

function place(device: number): Place {
  return {
    device,
    isConnected: true,
    isOverdue: false,
    present: true,
    token: new Uint8Array(32).fill(device),
    lastAccepted: undefined,
    accepted: new Map(),
  } as unknown as Place;
}

/** Devices 10 to 13 have the places 0 to 3, and place 2 is in no sum. */
function keeping(): CoordinatorState {
  const places = [10, 11, 12, 13].map(place);
  const survivors = [0, 1, 3];
  return {
    stage: 'keeping',
    cohort: {
      facts: { round, n: 4 },
      places,
      indexOf: new Map(places.map(({ device }, index) => [device, index])),
      drops: [],
      waiting: new Set(),
      left: 4,
      endsAtMs: 100,
    },
    survivors: { members: survivors, auditHead: head(7) },
  } as unknown as CoordinatorState;
}

function run(...events: CoordinatorEvent[]): CoordinatorEffect[] {
  let state = keeping();
  const all: CoordinatorEffect[] = [];
  for (const event of events) {
    const [next, effects] = stepCoordinator(state, event, params, context);
    state = next;
    all.push(...effects);
  }
  return all;
}

/** To whom, and what. */
function closings(effects: readonly CoordinatorEffect[]) {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'send') return [];
    const raw = decodeFrame(effect.bytes);
    return raw[0] === closed.type ? [{ device: effect.device, ...closed.parse(raw) }] : [];
  });
}

const kept: CoordinatorEvent = { kind: 'kept', auditHead: head(9) };

describe('a sum that is being kept', () => {
  it('is told to whoever is in it, once it is kept, with both audit heads', () => {
    const effects = run(kept);
    const told = { round, opened: true, coordinatorHead: head(9), registrarHead: head(7) };
    expect(closings(effects)).toEqual([10, 11, 13].map((device) => ({ device, ...told })));
    const released = effects.flatMap((e) => (e.kind === 'release' ? [e.device] : []));
    expect(released).toEqual([10, 11, 13]);
  });

  it('is told without the head of a log that could not be read', () => {
    const [told] = closings(run({ kind: 'kept', auditHead: null }));
    expect(told).toMatchObject({ opened: true, coordinatorHead: null, registrarHead: head(7) });
  });

  it('reaches a device where it is by then', () => {
    const token = new Uint8Array(32).fill(11);
    const back = run(
      { kind: 'left', device: 10, code: 'connection-lost' },
      { kind: 'left', device: 11, code: 'connection-lost' },
      { kind: 'resume', device: 20, token },
      kept,
    );
    expect(closings(back).map(({ device }) => device)).toEqual([20, 13]);
    const [answer] = back.flatMap((e) => (e.kind === 'send' && e.device === 20 ? [e.bytes] : []));
    expect(resumed.parse(decodeFrame(answer!)).stage).toBe('keeping');
  });

  it('stays when the operator stops the round: the store decides', () => {
    const stop: CoordinatorEvent = { kind: 'stop', detail: 'enough', code: 'task-stopped' };
    expect(run(stop)).toEqual([]);
    expect(closings(run(stop, kept))).toHaveLength(3);
  });

  it.each([
    ['not-kept', 'not-kept'],
    ['task-stopped', 'task-stopped'],
  ] as const)('that was not kept (%s) is told to nobody', (code, dropCode) => {
    const effects = run({ kind: 'not-kept', code, detail: 'the store is full' });
    expect(effects.some(({ kind }) => kind === 'send')).toBe(false);
    const drops = effects.flatMap((e) => (e.kind === 'drop' ? [e] : []));
    expect(drops.map(({ device }) => device)).toEqual([10, 11, 12, 13]);
    expect(drops[0]).toMatchObject({ code: dropCode, detail: `${code}: the store is full` });
    expect(effects.at(-1)).toEqual({ kind: 'abort', code, detail: 'the store is full' });
  });

  it('knows no other end', () => {
    expect(() => run(kept, kept)).toThrow('kept came while the round was finished');
  });
});
