import { OnlysumError, PeerError, RoundError, type Suite, systemRng } from '@onlysum/crypto';
import { challenge } from '@onlysum/protocol';
import { DEFAULT_FLOOR } from '@onlysum/task';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REGISTRAR_URL, type Rig, publisherKey, startRig, suite } from '../test/rig.js';
import { enrolWithCode, pseudonymFor } from './enrolment.js';
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
  await enrolWithCode(ports, rig.code());
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
    rng: systemRng,
    now: () => rig.nowMs,
    holdsProcess: true,
    offerTimeoutMs: 10_000,
    signal: new AbortController().signal,
    takeInput: () => new Uint32Array(rig.task.layout.lanes.length),
    reserve: async () => 'reserved',
    onStage: () => undefined,
    ...changes,
  };
}

const epochMs = (): number => rig.task.manifest.epoch.lengthMs;

/** A coordinator in this process: `say` is called once the device has connected. */
function inProcess(say: (to: ConnectOptions) => void): Transport & { isClosed: boolean } {
  const transport = {
    isClosed: false,
    connect: (_url: string, options: ConnectOptions) => {
      queueMicrotask(() => {
        options.onOpen();
        say(options);
      });
      return {
        send: () => undefined,
        close: () => {
          transport.isClosed = true;
        },
      };
    },
  };
  return transport;
}

const hello = () => challenge.encode({ nonce: systemRng(32) });
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
    const transport = inProcess(({ onMessage }) => {
      onMessage(hello());
      for (; said < 1000; said++) onMessage(junk());
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
      inProcess(({ onMessage, maxMessageBytes }) => {
        onMessage(hello());
        for (let i = 0; i < 4; i++) onMessage(junk(maxMessageBytes));
        if (lastBytes > 0) onMessage(junk(lastBytes));
      });
    expect(await codeOf(await host({ transport: transport(0) }))).toMatchObject({
      code: 'wire-invalid',
    });
    expect(await codeOf(await host({ transport: transport(1) }))).toMatchObject({
      code: 'coordinator-flooding',
    });
  });

  it('does not end it for as many as may wait', async () => {
    const transport = inProcess(({ onMessage }) => {
      onMessage(hello());
      for (let i = 0; i < 64; i++) onMessage(junk());
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

  // The result of a computation waits for one microtask; the end may come before it, in it or after it.
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'wipes what was computed for it %d microtasks ago',
    async (microtasks) => {
      const controller = new AbortController();
      const signatures: Uint8Array[] = [];
      const watched: Suite = {
        ...suite,
        ed25519Sign: (...of) => {
          const signature = suite.ed25519Sign(...of);
          signatures.push(signature);
          void abortAfter(microtasks);
          return signature;
        },
      };
      const abortAfter = async (count: number) => {
        for (let i = 0; i < count; i++) await Promise.resolve();
        controller.abort(STOP);
      };
      const transport = inProcess(({ onMessage }) => onMessage(hello()));
      const options = await host({ transport, suite: watched, signal: controller.signal });
      signatures.length = 0;
      expect(await codeOf(options)).toBe(STOP);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(signatures).toHaveLength(1);
      const isWiped = signatures[0]?.every((byte) => byte === 0);
      const hasLeft = microtasks > 4;
      expect(hasLeft || isWiped).toBe(true);
    },
  );
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
