/** Noise that is not there when the input is needed: the device waits, and then sends as ever. */
import { afterEach, expect, it, vi } from 'vitest';
import type { NoiseRequest } from '../draw-noise-in-slices.js';
import { type Client, createClient, memoryStore } from './index.js';
import { publisherKey, REGISTRAR_URL, type Rig, startRig } from '../../test/rig.js';

const held = vi.hoisted(() => ({
  until: Promise.resolve(),
  drawn: [] as Int32Array[],
}));

vi.mock(import('../draw-noise-in-slices.js'), async (original) => {
  const { drawNoiseInSlices } = await original();
  return {
    drawNoiseInSlices: async (request: NoiseRequest) => {
      const noise = await drawNoiseInSlices(request);
      if (noise !== undefined) held.drawn.push(noise);
      await held.until;
      return noise;
    },
  };
});

const SHARED_SET = 4;
const UPLOAD_REQUEST = 39;
const privacy = {
  mechanism: 'discrete-laplace',
  epsilon: '1',
  neighbours: 'zero',
  budget: { epsilon: '2', delta: '0', days: 1 },
} as const;

let rig: Rig;
let clients: Client[] = [];

afterEach(async () => {
  await Promise.allSettled(clients.map((client) => client.close()));
  await rig.close();
});

async function start(): Promise<void> {
  held.drawn.length = 0;
  rig = await startRig({ privacy });
  clients = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = await createClient({
        manifest: rig.signedManifest,
        publisherKey,
        registrarUrl: REGISTRAR_URL,
        store: memoryStore(),
        fetch: rig.fetch,
        now: () => rig.nowMs,
      });
      await client.enrol(rig.code());
      return client;
    }),
  );
}

const isWiped = (noise: Int32Array) => noise.every((value) => value === 0);

it('waits for it, and wipes it with the round', async () => {
  await start();
  let release = (): void => undefined;
  held.until = new Promise((resolve) => {
    release = resolve;
  });
  const order: string[] = [];
  rig.hand = {
    down: (type, bytes) => {
      if (type === SHARED_SET && order.push('U2') === 3) {
        // Long after U2 has arrived.
        setTimeout(() => {
          order.push('noise');
          release();
        }, 100);
      }
      return [bytes];
    },
    up: (type) => {
      if (type === UPLOAD_REQUEST) order.push('input');
      return true;
    },
  };
  const receipts = await Promise.all(
    clients.map((client) => client.submit({ attempts: 1, timeoutMs: 10_000 })),
  );
  expect(order).toEqual(['U2', 'U2', 'U2', 'noise', 'input', 'input', 'input']);
  for (const receipt of receipts) expect(receipt).toMatchObject({ included: true, opened: true });
  expect(held.drawn).toHaveLength(3);
  expect(held.drawn.every(isWiped)).toBe(true);
});

it('that comes after the end of the round is wiped', async () => {
  await start();
  let release = (): void => undefined;
  held.until = new Promise((resolve) => {
    release = resolve;
  });
  const settled = Promise.allSettled(
    clients.map((client) => client.submit({ attempts: 1, timeoutMs: 10_000 })),
  );
  await vi.waitFor(() => expect(held.drawn).toHaveLength(3));
  for (const client of clients) void client.close();
  for (const each of await settled) expect(each.status).toBe('rejected');
  expect(held.drawn.some((noise) => !isWiped(noise))).toBe(true);
  release();
  await vi.waitFor(() => expect(held.drawn.every(isWiped)).toBe(true));
});
