/** §5.4, §7: noise is in every vector of a task that promises it, or nothing leaves the device. */
import { type Rng, type Suite, runDerive, toHex } from '@onlysum/crypto';
import {
  type DeviceEffect,
  type DeviceEvent,
  type DeviceParams,
  type DeviceState,
  challenge,
  decodeFrame,
  hello,
  maskedInput,
  offer,
  roster,
  sharedSet,
  startDevice,
  stepDevice,
  uploadGrant,
} from '@onlysum/protocol';
import { type RoundOptions, deviceRandomness, simulateRound } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { fleet, plainSum } from './fleet.js';

const NOISE = {
  scale: { mechanism: 'skellam', variance: { numerator: 9n, denominator: 1n } },
  tail: 3000,
} as const;
const DEVICES = 6;
const options = fleet({ devices: DEVICES, bounds: [50], noise: NOISE });
const lanes = options.synthetic.task.layout.lanes.length;

/** Device i adds −100·(i + 1) to every lane. */
const drawn = (device: number): Int32Array => new Int32Array(lanes).fill(-100 * (device + 1));

describe('a round of a task with noise', () => {
  it('opens to the plain sum and the survivors’ noise, below zero too', () => {
    const asked: number[] = [];
    const round = simulateRound({
      ...options,
      noise: (device, honest) => {
        asked.push(honest);
        return drawn(device);
      },
      kills: [{ device: 2, when: 'before', message: 'MaskedInput', noticed: true }],
    });
    if (round.outcome.kind !== 'result') throw new Error(JSON.stringify(round.outcome));
    const noise = -100 * (1 + 2 + 4 + 5 + 6);
    const plain = plainSum(options, round);
    expect(round.outcome.result.lanes).toEqual(plain.map((sum) => sum + noise));
    // 6 − ⌊0.2·6⌋ − ⌈0.01·6⌉
    expect(asked).toEqual(new Array(DEVICES).fill(4));
  });

  it.each<[string, RoundOptions['noise']]>([
    ['without any', undefined],
    ['with too little', () => new Int32Array(lanes - 1).fill(1)],
  ])('sends nothing %s', (_, noise) => {
    const round = simulateRound({ ...options, ...(noise === undefined ? {} : { noise }) });
    for (const outcome of round.devices) {
      expect(outcome).toMatchObject({ kind: 'failed', contributed: false });
      expect(outcome?.kind === 'failed' && outcome.error.code).toBe('internal');
    }
    expect(round.transcript.some(({ bytes }) => bytes[1] === maskedInput.type)).toBe(false);
  });
});

describe('a device of that round', () => {
  it('asks for noise once, after it has shared its keys, and for the input once noise is there', () => {
    const device = new Replayed();
    device.hear(CHALLENGE, OFFER).hear(ROSTER);
    const afterShares = device.kinds().slice(device.kinds().lastIndexOf('send'));
    expect(afterShares).toEqual(['send', 'progress', 'draw-noise']);
    device.hear(SHARED_SET);
    expect(device.state.phase).toBe('encoding');
    expect(device.kinds()).not.toContain('need-input');
    device.step({ kind: 'noise', lanes: drawn(0) });
    expect(device.kinds().at(-1)).toBe('need-input');
    expect(device.kinds().filter((kind) => kind === 'draw-noise')).toHaveLength(1);
  });

  it('sends, noise early or late, the same bytes, and wipes noise and input', () => {
    const sent = [ROSTER, SHARED_SET].map((before) => {
      const device = new Replayed();
      const [noise, input] = [drawn(0), options.inputs[0]!.slice()];
      for (const type of [CHALLENGE, OFFER, ROSTER, SHARED_SET]) {
        device.hear(type);
        if (type === before) device.step({ kind: 'noise', lanes: noise });
      }
      device.step({ kind: 'input', lanes: input });
      device.step({ kind: 'persisted', outcome: 'reserved' }).hear(UPLOAD_GRANT);
      expect(noise.every((value) => value === 0)).toBe(true);
      expect(input.every((value) => value === 0)).toBe(true);
      return device.sent().at(-1) ?? new Uint8Array(0);
    });
    expect(sent[0]?.[1]).toBe(maskedInput.type);
    const asBefore = ofDevice('up').find((bytes) => bytes[1] === maskedInput.type);
    for (const bytes of sent) expect(toHex(bytes)).toBe(toHex(asBefore ?? new Uint8Array(0)));
  });

  it('checks the input before noise is added: its bounds hold for the plain values', () => {
    const device = new Replayed().hear(CHALLENGE, OFFER, ROSTER, SHARED_SET);
    device.step({ kind: 'noise', lanes: new Int32Array(lanes).fill(-1) });
    const input = new Uint32Array(lanes).fill(2);
    expect(device.step({ kind: 'input', lanes: input }).failure()).toBe('internal');
    expect(input.every((value) => value === 0)).toBe(true);
  });

  const refused: [string, (device: Replayed) => void][] = [
    [
      'input before its noise',
      (device) => device.step({ kind: 'input', lanes: new Uint32Array(lanes) }),
    ],
    [
      'noise twice',
      (device) => {
        device.step({ kind: 'noise', lanes: drawn(0) }).step({ kind: 'noise', lanes: drawn(1) });
      },
    ],
    [
      'noise after the input',
      (device) => {
        device.step({ kind: 'noise', lanes: drawn(0) });
        device.step({ kind: 'input', lanes: options.inputs[0]!.slice() });
        device.step({ kind: 'noise', lanes: drawn(1) });
      },
    ],
  ];

  it.each(refused)('ends the round at %s, and wipes what was drawn', (_, provoke) => {
    const device = new Replayed().hear(CHALLENGE, OFFER, ROSTER, SHARED_SET);
    const { noises } = device;
    const before = device.sent().length;
    provoke(device);
    expect(device.failure()).toBe('internal');
    expect(device.sent()).toHaveLength(before);
    for (const noise of noises) expect(noise.every((value) => value === 0)).toBe(true);
  });

  it('wipes noise with a round that fails, and noise that comes after it', () => {
    const device = new Replayed().hear(CHALLENGE, OFFER, ROSTER);
    device.step({ kind: 'noise', lanes: drawn(0) }).step({ kind: 'deadline' });
    device.step({ kind: 'noise', lanes: drawn(0) });
    expect(device.failure()).toBe('round-timeout');
    for (const noise of device.noises) expect(noise.every((value) => value === 0)).toBe(true);
  });

  it('takes no noise in a task without any', () => {
    const plain = fleet({ devices: DEVICES, bounds: [50] });
    const device = new Replayed(plain).hear(CHALLENGE, OFFER, ROSTER);
    expect(device.kinds()).not.toContain('draw-noise');
    expect(device.step({ kind: 'noise', lanes: drawn(0) }).failure()).toBe('internal');
  });
});

const [CHALLENGE, OFFER, ROSTER, SHARED_SET, UPLOAD_GRANT] = [
  challenge,
  offer,
  roster,
  sharedSet,
  uploadGrant,
].map(({ type }) => type) as [number, number, number, number, number];

/** Everything that device 0 was sent, or sent, in a round in which nothing goes wrong. */
function ofDevice(direction: 'up' | 'down', round: RoundOptions = options): Uint8Array[] {
  const { transcript } = simulateRound({ ...round, noise: drawn });
  return transcript
    .filter((message) => message.device === 0 && message.direction === direction)
    .map(({ bytes }) => bytes);
}

/** Device 0 of that round once more, in the hands of a test: the same keys, the same messages. */
class Replayed {
  readonly #effects: DeviceEffect[] = [];
  readonly #down: readonly Uint8Array[];
  readonly #params: DeviceParams;
  readonly #context: { readonly suite: Suite; readonly rng: Rng; readonly nowMs: number };
  readonly noises: Int32Array[] = [];
  state: DeviceState = startDevice();

  constructor(round: RoundOptions = options) {
    this.#down = ofDevice('down', round);
    const [pseudonymSeed, rng] = deviceRandomness(round.seed, 0);
    const [first = new Uint8Array(0)] = ofDevice('up', round);
    const { certificate } = hello.parse(decodeFrame(first));
    const { task } = round.synthetic;
    this.#params = { task, floor: round.floor, pseudonymSeed, certificate, incarnation: 0 };
    const nowMs = announcedMs(this.#down, task.manifest.window.lengthMs);
    this.#context = { suite: round.suite, rng, nowMs };
  }

  /** Gives it what it was sent of these types. */
  hear(...types: number[]): this {
    for (const bytes of this.#down) {
      if (types.includes(Number(decodeFrame(bytes)[0]))) this.step({ kind: 'message', bytes });
    }
    return this;
  }

  step(event: DeviceEvent): this {
    if (event.kind === 'noise') this.noises.push(event.lanes);
    const [state, effects] = stepDevice(this.state, event, this.#params, this.#context);
    this.state = state;
    this.#effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind !== 'derive') continue;
      this.step({ kind: 'derived', results: runDerive(this.#context.suite, effect.batch) });
    }
    return this;
  }

  kinds(): string[] {
    return this.#effects.map(({ kind }) => kind);
  }

  sent(): Uint8Array[] {
    return this.#effects.flatMap((effect) => (effect.kind === 'send' ? [effect.bytes] : []));
  }

  failure(): string | undefined {
    const end = this.#effects.find((effect) => effect.kind === 'finish');
    return end?.kind === 'finish' && end.outcome.kind === 'failed'
      ? end.outcome.error.code
      : undefined;
  }
}

/** The middle of the window that was offered. */
function announcedMs(down: readonly Uint8Array[], lengthMs: number): number {
  const raw = down.map((bytes) => decodeFrame(bytes)).find(([type]) => type === OFFER);
  if (raw === undefined) throw new RangeError('no offer');
  return (offer.parse(raw).announcement.window + 0.5) * lengthMs;
}
