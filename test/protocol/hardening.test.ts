/** What an attack review found: one device must not end a round, nor a failure leave secrets or rosters behind. */
import { type DeriveResult, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type Certificate,
  type CoordinatorState,
  DEFAULT_DURATIONS,
  type DeviceState,
  type RoundParams,
  shareKeys,
  decodeFrame,
  stepCoordinator,
  stepDevice,
} from '@onlysum/protocol';
import { simulateRound } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { FLOOR, fleet, plainSum } from './fleet.js';

const context = { suite: nativeSuite, rng: unsafeSeededRng('hardening'), nowMs: 0 };

describe('a dropout that disputes one pair and deals rubbish', () => {
  it('costs nobody else anything: the survivor is bound by its own tag', () => {
    const LIAR = 1;
    const kills = [
      { device: LIAR, when: 'before', message: 'MaskedInput', noticed: true } as const,
    ];
    const options = { ...fleet({ devices: 8, dropout: 300, corrupt: 130 }), kills };
    const round = simulateRound({
      ...options,
      intercept: ({ device, direction, bytes }) => {
        const raw = decodeFrame(bytes);
        if (device !== LIAR || direction !== 'up' || raw[0] !== shareKeys.type) return [bytes];
        const message = shareKeys.parse(raw);
        const tags = new Uint8Array(message.tags);
        tags[0] = (tags[0] ?? 0) ^ 1;
        return [
          shareKeys.encode({ ...message, tags, boxes: new Uint8Array(message.boxes.length) }),
        ];
      },
    });
    expect(round.outcome.kind).toBe('result');
    if (round.outcome.kind !== 'result') return;
    expect(round.outcome.result.dropped).toHaveLength(1);
    expect(round.outcome.result.lanes).toEqual(plainSum(options, round));
  });
});

describe('a roster that the registrar may have attested', () => {
  const { synthetic } = fleet({ devices: 3 });
  const round = new Uint8Array(16).fill(7);
  const params = { task: synthetic.task, round } as unknown as RoundParams;
  const asked = (): CoordinatorState => ({
    stage: 'attesting-roster',
    candidates: [],
    attempt: 1,
    barred: new Map(),
  });
  const close = { kind: 'attest', request: { kind: 'close', round } };

  it('is closed when its answer does not come', () => {
    const response = {
      kind: 'refused',
      code: 'registrar-unavailable',
      detail: 'no answer',
      members: [],
    } as const;
    const [, effects] = stepCoordinator(asked(), { kind: 'answered', response }, params, context);
    expect(effects).toContainEqual(close);
  });

  it('is closed when the operator stops the round', () => {
    const event = { kind: 'stop', detail: 'stopping' } as const;
    const [, effects] = stepCoordinator(asked(), event, params, context);
    expect(effects).toContainEqual(close);
  });
});

describe('a pseudonym that says Hello again while its cohort gathers', () => {
  const { synthetic } = fleet({ devices: 3 });
  const params = {
    task: synthetic.task,
    round: new Uint8Array(16).fill(7),
    window: { endMs: 1_000_000 },
    announcement: {
      window: 1,
      incarnation: 1,
      enrolled: 3,
      population: 3,
      pools: 1,
      value: new Uint8Array(32),
      signature: new Uint8Array(64),
    },
    durations: DEFAULT_DURATIONS,
  } as unknown as RoundParams;
  const certificate = { pseudonym: new Uint8Array(32).fill(5) } as unknown as Certificate;
  const gathering: CoordinatorState = {
    stage: 'gathering',
    candidates: new Map(),
    advertised: 0,
    deviceOf: new Map(),
    closesAtMs: 10,
    barred: new Map(),
  };

  it.each([
    ['from an open connection', []],
    ['after it has resumed on another one', [2]],
  ])('takes its place %s', (_, resumedOn) => {
    let state = stepCoordinator(
      gathering,
      { kind: 'join', device: 1, certificate },
      params,
      context,
    )[0];
    for (const device of resumedOn) {
      if (state.stage !== 'gathering') throw new Error(state.stage);
      const token = state.candidates.get(1)?.token ?? new Uint8Array(32);
      state = stepCoordinator(state, { kind: 'resume', device, token }, params, context)[0];
    }
    const older = resumedOn[0] ?? 1;
    const event = { kind: 'join', device: 3, certificate } as const;
    const [next, effects] = stepCoordinator(state, event, params, context);
    const told = effects.filter(({ kind }) => kind === 'drop');
    expect(told).toMatchObject([{ device: older, code: 'duplicate-device' }]);
    expect(next.stage === 'gathering' && [...next.candidates.keys()]).toEqual([3]);
  });
});

describe('a device that fails on an answer', () => {
  it('wipes the agreements that came with it', () => {
    const secrets = {
      resumeToken: new Uint8Array(32).fill(1),
      lastSent: new Uint8Array(0),
      cSecret: new Uint8Array(32).fill(2),
      sSecret: new Uint8Array(32).fill(3),
      b: new Uint8Array(0),
      incomingKeys: [],
      pairSecrets: [],
      held: [],
      noise: new Int32Array(0),
    };
    const state = {
      phase: 'checking-roster',
      accepted: new Map(),
      link: 'up',
      secrets,
      seat: {},
    } as unknown as DeviceState;
    const channelKey = new Uint8Array(32).fill(4);
    const results: DeriveResult[] = [false, [channelKey]];
    const params = {
      task: fleet({ devices: 3 }).synthetic.task,
      floor: FLOOR,
    } as unknown as Parameters<typeof stepDevice>[2];
    const [next, effects] = stepDevice(state, { kind: 'derived', results }, params, context);
    expect(next.phase).toBe('finished');
    expect(effects[0]).toMatchObject({ outcome: { error: { code: 'roster-signature' } } });
    for (const secret of [channelKey, secrets.cSecret, secrets.sSecret, secrets.resumeToken]) {
      expect(secret).toEqual(new Uint8Array(32));
    }
  });
});
