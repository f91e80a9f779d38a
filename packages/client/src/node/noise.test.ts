/** Tasks with noise over real sockets: what opens, what it costs, and what a device refuses. */
import { systemRng } from '@onlysum/crypto';
import { messageBytes } from '@onlysum/protocol';
import { type Manifest, noiseVariance } from '@onlysum/task';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Client,
  type ClientOptions,
  checkReceipt,
  checkReceiptTask,
  createClient,
  memoryStore,
  nodeTransport,
  type SubmitError,
  type SubmitReceipt,
  type Transport,
} from './index.js';
import {
  publisherKey,
  REGISTRAR_URL,
  registrarKey,
  type Rig,
  startRig,
  suite,
  WINDOW_MS,
} from '../../test/rig.js';

const MASKED_INPUT = 35;
const UNMASKING = 36;
const DAY_MS = 86_400_000;

const skellam = {
  mechanism: 'skellam',
  epsilon: '1',
  delta: '0.000001',
  neighbours: 'replace',
  budget: { epsilon: '2', delta: '0.00001', days: 1 },
} as const;
const laplace = {
  mechanism: 'discrete-laplace',
  epsilon: '1',
  neighbours: 'zero',
  budget: { epsilon: '2', delta: '0', days: 1 },
} as const;

let rig: Rig;
const clients: Client[] = [];

afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.close()));
  await rig.close();
});

async function start(privacy: Manifest['privacy'], devices: number): Promise<Client[]> {
  rig = await startRig({
    privacy,
    cohort: { min: 3, target: devices, max: devices },
    assumptions: { corrupt: 10, dropout: 200, population: 10_000 },
  });
  return Promise.all(Array.from({ length: devices }, () => device()));
}

async function device(options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await createClient({
    manifest: rig.signedManifest,
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store: memoryStore(),
    fetch: rig.fetch,
    now: () => rig.nowMs,
    consent: ['performance'],
    ...options,
  });
  clients.push(client);
  await client.enrol(rig.code());
  return client;
}

function submit(client: Client): Promise<SubmitReceipt> {
  return client.submit({ attempts: 1, timeoutMs: 15_000 });
}

async function submitAll(all: readonly Client[]): Promise<SubmitReceipt[]> {
  return Promise.all(all.map(submit));
}

async function failure(client: Client): Promise<SubmitError> {
  return submit(client).then(
    () => expect.fail('expected a failure'),
    (error: unknown) => error as SubmitError,
  );
}

describe.each([skellam, laplace])('a round with noise: $mechanism', (privacy) => {
  it('opens to the plain sum but for noise within the tails, with a dropout and a silent survivor', async () => {
    const devices = 8;
    const all = await start(privacy, devices);
    all.forEach((client, i) => {
      client.record('active', true);
      client.record('crashes', i);
      client.record('edition', i % 2 === 0 ? 'free' : 'pro');
    });
    const plain = all.map((client) => client.preview().lanes.map(({ value }) => value));
    // Device 1 goes before its masked input has arrived, device 2 right after its own has.
    rig.hand = {
      up: (type, _bytes, connection, socket) => {
        const isGone =
          (connection === 1 && type === MASKED_INPUT) || (connection === 2 && type === UNMASKING);
        if (isGone) {
          void all[connection]?.close();
          socket.terminate();
        }
        return !isGone;
      },
    };
    const work: Promise<boolean>[] = [];
    for (const [i, client] of all.entries()) {
      const isReceived = submit(client).then(
        () => true,
        () => false,
      );
      work.push(isReceived);
      await vi.waitFor(() => expect(rig.connections).toBe(i + 1));
    }
    const received = await Promise.all(work);
    expect(received.map((isReceived, i) => (isReceived ? [] : [i])).flat()).toEqual([1, 2]);
    const [result] = rig.results;
    expect(result?.survivors).toBe(devices - 1);
    const { lanes } = rig.task.layout;
    const noise = lanes.map((lane, j) => {
      const sum = plain.reduce((total, values, i) => total + (i === 1 ? 0 : (values[j] ?? 0)), 0);
      const opened = result?.lanes[j] ?? Number.NaN;
      expect(Math.abs(opened - sum)).toBeLessThanOrEqual(lane.tail);
      return opened - sum;
    });
    expect(noise.some((value) => value !== 0)).toBe(true);
    // Within what a sum of a dozen deviations would be: far less than a lane's modulus.
    lanes.forEach((lane, j) => {
      const deviation = Math.sqrt(2 * noiseVariance(lane.noise!));
      expect(Math.abs(noise[j] ?? 0)).toBeLessThan(12 * deviation);
      expect(12 * deviation).toBeLessThan(2 ** lane.width);
    });
  });

  it('is in the receipt, which checks, and counts against the budget until it returns', async () => {
    const all = await start(privacy, 3);
    const [own] = all as [Client];
    const before = await own.privacy();
    expect(before).toMatchObject({ spent: 0, left: 2, epsilon: 1, returnsMs: undefined });
    const [receipt] = await submitAll(all);
    if (receipt?.privacy.mechanism !== privacy.mechanism) throw new Error('no receipt');
    expect(receipt.privacy).toMatchObject({ epsilon: 1, budget: { epsilon: 2, days: 1 } });
    expect(receipt.privacy.spent).toBeGreaterThan(0.5);
    expect(receipt.privacy.spent).toBeLessThanOrEqual(1 + 1e-9);
    expect(receipt.keepUntilMs).toBe(rig.nowMs + 30 * DAY_MS);
    checkReceipt(receipt, { registrar: registrarKey }, suite);
    checkReceiptTask(receipt, rig.task);
    const { windowsLeft = 0 } = (await own.privacy()) ?? {};
    expect(windowsLeft).toBe((before?.windowsLeft ?? 0) - 1);
    for (let left = windowsLeft; left > 0; left--) {
      rig.nowMs += WINDOW_MS;
      await submitAll(all);
    }
    const status = await own.privacy();
    expect(status?.windowsLeft).toBe(0);
    rig.nowMs += WINDOW_MS;
    const connections = rig.connections;
    const error = await failure(own);
    const returnsMs = receipt.window.startMs + DAY_MS;
    expect(error).toMatchObject({
      code: 'privacy-budget-spent',
      contributed: false,
      retryable: true,
      nextWindowMs: returnsMs,
    });
    expect(error.message).toContain(new Date(returnsMs).toISOString());
    expect(error.message).toContain('of a budget of 2');
    // Nobody was bothered, and nothing recorded is lost.
    expect(rig.connections).toBe(connections);
    rig.nowMs = returnsMs - 1;
    expect(await failure(own)).toMatchObject({ code: 'privacy-budget-spent' });
    rig.nowMs = returnsMs;
    expect((await submitAll(all))[0]).toMatchObject({ included: true });
  });
});

describe('a device', () => {
  it('has drawn its noise before it connects, so that no message waits for it', async () => {
    const [, ...others] = await start(skellam, 3);
    const order: string[] = [];
    const rng = (length: number) => {
      order.push('draw');
      return systemRng(length);
    };
    const transport: Transport = {
      connect: (url, options) => {
        order.push('connect');
        const connection = nodeTransport.connect(url, options);
        return {
          send: (bytes) => {
            order.push(`send ${bytes[1]}`);
            connection.send(bytes);
          },
          close: () => connection.close(),
        };
      },
    };
    const watched = await device({ rng, transport });
    await submitAll([watched, ...others]);
    const before = order.slice(0, order.indexOf('connect'));
    // Each of some ten lanes takes random bytes; enrolling took a few.
    expect(before.filter((what) => what === 'draw').length).toBeGreaterThan(5);
    // From the roster to the unmasking: keys, shares and boxes, but no noise.
    const after = order.slice(order.indexOf('send 39'), order.indexOf('send 36'));
    expect(after).not.toContain('draw');
  });

  it('has spent a window that was recorded, though consent went and nothing left', async () => {
    const all = await start(laplace, 3);
    const store = memoryStore();
    const own = await device({ store });
    const ours = store.update.bind(store);
    store.update = async (change) => {
      const result = await ours(change);
      if (result === 'reserved') own.consent.set('performance', false);
      return result;
    };
    const sent: number[] = [];
    rig.hand = { up: (type) => sent.push(type) > 0 };
    const work = Promise.allSettled([submit(own), submit(all[0]!), submit(all[1]!)]);
    const [first] = await work;
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'consent-changed' } });
    expect(await own.receipts()).toEqual([]);
    expect(await own.privacy()).toMatchObject({ spent: 1, windowsLeft: 1 });
  });

  it('counts twin tasks of a publisher together', async () => {
    const all = await start(laplace, 3);
    const [own] = all as [Client];
    const store = memoryStore();
    const mine = await device({ store });
    await submitAll([mine, ...all.slice(1)]);
    const twin = await startRig({
      privacy: laplace,
      name: 'twin',
      metrics: rig.task.manifest.metrics.map((metric) => ({ ...metric, name: `${metric.name}_2` })),
    });
    const theirs = await createClient({
      manifest: twin.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store,
      fetch: twin.fetch,
      now: () => rig.nowMs,
    });
    expect(await theirs.privacy()).toMatchObject({ spent: 1, windowsLeft: 1 });
    expect(await own.privacy()).toMatchObject({ spent: 0, windowsLeft: 2 });
    await theirs.close();
    await twin.close();
  });

  it('refuses a record whose account is damaged', async () => {
    await start(laplace, 3);
    const store = memoryStore();
    const mine = await device({ store });
    const { cost } = rig.task.layout.noise!;
    const entry = { windowStartMs: 0, windowEndMs: 1, windows: 1, task: null, cost };
    const damaged = [
      { ...entry, cost: { ...cost, pure: -1 } },
      { ...entry, cost: { ...cost, pure: Number.NaN } },
      { ...entry, cost: { ...cost, more: 0 } },
      { ...entry, windows: 0.5 },
      { ...entry, windowEndMs: undefined },
      { ...entry, more: 0 },
    ];
    const { parseRecord } = await import('../record.js');
    const record = await store.read();
    expect(parseRecord({ ...record, privacySpent: { [publisherKey]: [entry] } })).toBeDefined();
    for (const each of damaged) {
      const privacySpent = { [publisherKey]: [each] };
      expect(() => parseRecord({ ...record, privacySpent })).toThrow(
        expect.objectContaining({ code: 'record-corrupt' }),
      );
    }
    await mine.close();
  });
});

describe('the preview', () => {
  it('shows plain values with the noise of each lane, and the bytes that will leave', async () => {
    const all = await start(skellam, 3);
    const [own] = all as [Client];
    own.record('crashes', 4);
    const shown = own.preview();
    const lane = shown.lanes.find(({ label }) => label === 'crashes.value');
    const noise = rig.task.layout.lanes.find(({ label }) => label === 'crashes.value')?.noise;
    expect(lane?.value).toBe(4);
    // 3 − ⌊0.2·3⌋ − ⌈0.01·3⌉ = 2 devices must make it all.
    expect(lane?.noise?.share).toBeCloseTo(Math.sqrt(noiseVariance(noise!) / 2), 9);
    expect(lane?.noise?.whole).toBeCloseTo(Math.sqrt(1.5 * noiseVariance(noise!)), 9);
    const sent: number[] = [];
    rig.hand = {
      up: (_type, bytes, connection) => {
        if (connection === 0) sent.push(bytes.length);
        return true;
      },
    };
    await submitAll(all);
    expect(sent).toEqual(shown.round.messages.map(({ bytes }) => bytes));
    expect(shown.round.bytes).toBe(sent.reduce((sum, bytes) => sum + bytes, 0));
    expect(messageBytes(rig.task, shown.window, 3)).toEqual(shown.round.messages);
  });
});
