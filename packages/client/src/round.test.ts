import { OnlysumError, PeerError, RoundError, type Suite, systemRng } from '@onlysum/crypto';
import { makeChallenge } from '@onlysum/protocol';
import { DEFAULT_FLOOR } from '@onlysum/task';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REGISTRAR_URL, type Rig, publisherKey, startRig, suite } from '../test/rig.js';
import { deriveOn } from './derive.js';
import { enrolWith, pseudonymFor } from './enrolment.js';
import { createClient, memoryStore } from './index.js';
import { nodeTransport } from './node/ws-transport.js';
import { type RoundOptions, runRound } from './round.js';
import type { ConnectOptions, Transport } from './transport.js';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const STOP = new RoundError('submit-aborted', 'stop');

/** What hosts a round of a device that is enrolled. */
async function host(changes: Partial<RoundOptions> = {}): Promise<RoundOptions> {
  const call = { url: REGISTRAR_URL, holdsProcess: true, fetch: rig.fetch };
  const ports = { task: rig.task, store: memoryStore(), suite, rng: systemRng, call };
  await enrolWith(ports, rig.code(), {});
  const { seed, certificate } = await pseudonymFor(ports, Math.floor(rig.nowMs / epochMs()));
  return {
    params: {
      task: rig.task,
      floor: DEFAULT_FLOOR,
      pseudonymSeed: seed,
      certificate,
      incarnation: 0,
    },
    transport: nodeTransport,
    suite,
    derive: deriveOn(suite),
    rng: systemRng,
    now: () => rig.nowMs,
    holdsProcess: true,
    offerTimeoutMs: 10_000,
    signal: new AbortController().signal,
    noise: undefined,
    takeInput: () => new Uint32Array(rig.task.layout.lanes.length),
    reserve: async () => 'reserved',
    onStage: () => undefined,
    ...changes,
  };
}

const epochMs = (): number => rig.task.manifest.epoch.lengthMs;

/** A coordinator in this process: `say` is called once the device has connected. */
function inProcess(
  say: (to: ConnectOptions) => void,
): Transport & { isClosed: boolean; hasSent: boolean } {
  const transport = {
    isClosed: false,
    hasSent: false,
    connect: (_url: string, options: ConnectOptions) => {
      queueMicrotask(() => {
        options.onOpen();
        say(options);
      });
      return {
        send: () => {
          transport.hasSent = true;
        },
        close: () => {
          transport.isClosed = true;
        },
      };
    },
  };
  return transport;
}

const hello = () => makeChallenge({ suite, rng: systemRng, nowMs: rig.nowMs }).bytes;
/** No message, so that a device which looks at it ends the round by `wire-invalid`. */
const junk = (length = 1) => new Uint8Array(length).fill(0xc1);

async function codeOf(options: RoundOptions): Promise<OnlysumError> {
  const { outcome } = await runRound(options);
  if (outcome.kind !== 'failed') throw new Error('expected a failure');
  return outcome.error;
}

describe('a coordinator that floods a device while it computes', () => {
  it('ends the round by the number of messages', async () => {
    let said = 0;
    const transport = inProcess((device) => {
      device.onMessage(hello());
      for (; said < 1000; said++) device.onMessage(junk());
    });
    const error = await codeOf(await host({ transport }));
    expect(error).toBeInstanceOf(PeerError);
    expect(error).toMatchObject({ code: 'coordinator-flooding', retryable: false });
    expect(error.message).toContain(rig.url);
    expect(transport.isClosed).toBe(true);
    expect(said).toBe(1000);
  });

  it('ends the round by their bytes', async () => {
    const transport = (lastBytes: number) =>
      inProcess((device) => {
        device.onMessage(hello());
        for (let i = 0; i < 4; i++) device.onMessage(junk(device.maxMessageBytes));
        if (lastBytes > 0) device.onMessage(junk(lastBytes));
      });
    expect(await codeOf(await host({ transport: transport(0) }))).toMatchObject({
      code: 'wire-invalid',
    });
    expect(await codeOf(await host({ transport: transport(1) }))).toMatchObject({
      code: 'coordinator-flooding',
    });
  });

  it('does not end it for as many as may wait', async () => {
    const transport = inProcess((device) => {
      device.onMessage(hello());
      for (let i = 0; i < 64; i++) device.onMessage(junk());
    });
    expect(await codeOf(await host({ transport }))).toMatchObject({ code: 'wire-invalid' });
  });

  it('ends it while the record is written, and what was asked of the store is withdrawn', async () => {
    const others = await joinedBy(2);
    let flood: () => void = () => undefined;
    const transport: Transport = {
      connect: (url, options) => {
        flood = () => {
          for (let i = 0; i < 65; i++) options.onMessage(junk());
        };
        return nodeTransport.connect(url, options);
      },
    };
    let isWantedThen: boolean | undefined;
    const reserve: RoundOptions['reserve'] = async (_, isWanted) => {
      flood();
      isWantedThen = isWanted();
      return 'withdrawn';
    };
    const { outcome } = await runRound(await host({ transport, reserve }));
    expect(isWantedThen).toBe(false);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'coordinator-flooding' },
      contributed: false,
    });
    await others();
  });
});

it('quotes why a coordinator closed the connection so that it cannot steer a terminal', async () => {
  const reason = 'no\u001b[2K\u009b1A\r\nforged \u202ex';
  const transport = inProcess((device) => device.onClose({ code: 4014, reason }));
  const { code, message } = await codeOf(await host({ transport }));
  expect(code).toBe('cohort-full');
  expect(message).toMatch(/: no\[2K1A forged x$/);
});

describe('a round that is ended', () => {
  it('wipes the input that the machine never took', async () => {
    const others = await joinedBy(2);
    const controller = new AbortController();
    const lanes = new Uint32Array(rig.task.layout.lanes.length).fill(7);
    const options = await host({
      signal: controller.signal,
      takeInput: () => {
        controller.abort(STOP);
        return lanes;
      },
    });
    expect(await codeOf(options)).toBe(STOP);
    expect(lanes.every((lane) => lane === 0)).toBe(true);
    await others();
  });

  // A result waits for the machine for one microtask: the end comes before it, in it and after it.
  it('wipes what was computed for it, unless it left with a message', async () => {
    const fates: string[] = [];
    for (let microtasks = 0; microtasks < 12; microtasks++) {
      const controller = new AbortController();
      const signatures: Uint8Array[] = [];
      const abortLater = async () => {
        for (let i = 0; i < microtasks; i++) await Promise.resolve();
        controller.abort(STOP);
      };
      const watched: Suite = {
        ...suite,
        ed25519Sign: (...of) => {
          const signature = suite.ed25519Sign(...of);
          signatures.push(signature);
          void abortLater();
          return signature;
        },
      };
      const transport = inProcess((device) => device.onMessage(hello()));
      const options = await host({ transport, signal: controller.signal });
      expect(await codeOf({ ...options, derive: deriveOn(watched) })).toBe(STOP);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(signatures).toHaveLength(1);
      const isWiped = signatures[0]?.every((byte) => byte === 0) ?? false;
      fates.push(isWiped ? 'wiped' : 'kept', transport.hasSent ? 'sent' : 'not sent');
    }
    const lines = Array.from({ length: 12 }, (_, i) => fates.slice(2 * i, 2 * i + 2).join(', '));
    expect(new Set(lines)).toEqual(new Set(['wiped, not sent', 'kept, sent']));
  });
});

/** So many other devices in the round. @returns what ends them. */
async function joinedBy(count: number): Promise<() => Promise<unknown>> {
  const clients = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await createClient({
        manifest: rig.signedManifest,
        publisherKey,
        registrarUrl: REGISTRAR_URL,
        store: memoryStore(),
        transport: nodeTransport,
        suite,
        fetch: rig.fetch,
        now: () => rig.nowMs,
      });
      await client.enrol(rig.code());
      return client;
    }),
  );
  const submitting = Promise.allSettled(clients.map((client) => client.submit({ attempts: 1 })));
  return async () => {
    await Promise.all(clients.map((client) => client.close()));
    await submitting;
  };
}
