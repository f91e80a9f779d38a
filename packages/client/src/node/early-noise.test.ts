/** When noise is drawn, and that none outlives its round. */
import { afterEach, expect, it, vi } from 'vitest';
import type { NoiseRequest } from '../draw-noise-in-slices.js';
import { type Client, createClient, memoryStore, nodeTransport, type Transport } from './index.js';
import { publisherKey, REGISTRAR_URL, type Rig, startRig } from '../../test/rig.js';

const seen = vi.hoisted(() => ({
  order: [] as string[],
  drawn: [] as Int32Array[],
}));

vi.mock(import('../draw-noise-in-slices.js'), async (original) => {
  const { drawNoiseInSlices } = await original();
  return {
    drawNoiseInSlices: async (request: NoiseRequest) => {
      const noise = await drawNoiseInSlices(request);
      if (noise !== undefined) seen.drawn.push(noise);
      seen.order.push('drawn');
      return noise;
    },
  };
});

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

const transport: Transport = {
  connect: (url, options) => {
    seen.order.push('connect');
    return nodeTransport.connect(url, options);
  },
};

async function start(devices: number): Promise<void> {
  seen.drawn.length = 0;
  seen.order.length = 0;
  rig = await startRig({ privacy });
  clients = await Promise.all(
    Array.from({ length: devices }, async () => {
      const client = await createClient({
        manifest: rig.signedManifest,
        publisherKey,
        registrarUrl: REGISTRAR_URL,
        store: memoryStore(),
        fetch: rig.fetch,
        now: () => rig.nowMs,
        transport,
      });
      await client.enrol(rig.code());
      return client;
    }),
  );
}

const isWiped = (noise: Int32Array) => noise.every((value) => value === 0);

it('all of it before the device connects, and it is wiped with the round', async () => {
  await start(3);
  const receipts = await Promise.all(
    clients.map((client) => client.submit({ attempts: 1, timeoutMs: 10_000 })),
  );
  for (const receipt of receipts) expect(receipt).toMatchObject({ included: true, opened: true });
  const count = (what: string, until: number) =>
    seen.order.slice(0, until).filter((each) => each === what).length;
  expect(count('connect', seen.order.length)).toBe(3);
  seen.order.forEach((_, i) => {
    expect(count('drawn', i + 1)).toBeGreaterThanOrEqual(count('connect', i + 1));
  });
  expect(seen.drawn).toHaveLength(3);
  expect(seen.drawn.every(isWiped)).toBe(true);
});

it('none is left of a round that ends without it', async () => {
  await start(1);
  const settled = Promise.allSettled(
    clients.map((client) => client.submit({ attempts: 1, timeoutMs: 10_000 })),
  );
  await vi.waitFor(() => expect(seen.order).toContain('connect'));
  expect(seen.drawn.some((noise) => !isWiped(noise))).toBe(true);
  for (const client of clients) void client.close();
  for (const each of await settled) expect(each.status).toBe('rejected');
  await vi.waitFor(() => expect(seen.drawn.every(isWiped)).toBe(true));
});
