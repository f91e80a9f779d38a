/** Whole rounds by clients as browsers have them, on the WebCrypto of Node. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { publisherKey, REGISTRAR_URL, type Rig, startRig, suite } from '../test/rig.js';
import {
  type Client,
  type ClientOptions,
  createClient,
  memoryStore,
  portableSuite,
  type SubmitReceipt,
} from './index.js';
import { nodeTransport } from './node/ws-transport.js';

let rig: Rig;
const clients: Client[] = [];
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await Promise.allSettled(clients.splice(0).map((client) => client.close()));
  await rig.close();
});

async function device(options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await createClient({
    manifest: rig.signedManifest,
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store: memoryStore(),
    // Node 20 has no WebSocket of its own.
    transport: nodeTransport,
    fetch: rig.fetch,
    now: () => rig.nowMs,
    ...options,
  });
  clients.push(client);
  await client.enrol(rig.code());
  return client;
}

/** As a page that came over plain HTTP has it. */
const INSECURE = { getRandomValues: crypto.getRandomValues.bind(crypto) };

async function receiptsOf(all: readonly Client[]): Promise<SubmitReceipt[]> {
  all.forEach((client, i) => client.record('crashes', i + 1));
  return Promise.all(all.map((client) => client.submit({ attempts: 1, timeoutMs: 20_000 })));
}

function sumOfCrashes(): number | undefined {
  const at = rig.task.layout.lanes.findIndex(({ label }) => label === 'crashes.value');
  return rig.results[0]?.lanes?.[at];
}

it('is one round for devices with WebCrypto, without, and with a suite of their own', async () => {
  const deriveKey = vi.spyOn(crypto.subtle, 'deriveKey');
  const byWebCrypto = await device();
  vi.stubGlobal('crypto', INSECURE);
  const onPlainHttp = await device();
  vi.unstubAllGlobals();
  const all = [byWebCrypto, onPlainHttp, await device({ suite })];
  deriveKey.mockClear();
  for (const receipt of await receiptsOf(all)) {
    expect(receipt).toMatchObject({ included: true, opened: true, survivors: 3 });
  }
  expect(sumOfCrashes()).toBe(1 + 2 + 3);
  // Of the first device alone: two agreements with each of two neighbours.
  expect(deriveKey).toHaveBeenCalledTimes(4);
});

it('runs what the platform lacks by the portable suite', async () => {
  const importKey = crypto.subtle.importKey.bind(crypto.subtle);
  const refused = vi
    .spyOn(crypto.subtle, 'importKey')
    .mockImplementation(async (...of: unknown[]) => {
      if (of[2] === 'X25519') throw new DOMException('no X25519', 'NotSupportedError');
      return importKey(...(of as Parameters<typeof importKey>));
    });
  const sign = vi.spyOn(crypto.subtle, 'sign');
  const [receipt] = await receiptsOf([
    await device(),
    await device({ suite }),
    await device({ suite }),
  ]);
  expect(receipt?.included).toBe(true);
  expect(sumOfCrashes()).toBe(1 + 2 + 3);
  expect(refused).toHaveBeenCalled();
  // The known answer, Hello and AdvertiseKeys.
  expect(sign).toHaveBeenCalledTimes(3);
});

it('is not used where the host gives a suite', async () => {
  const deriveKey = vi.spyOn(crypto.subtle, 'deriveKey');
  const all = [portableSuite, suite, suite].map((suite) => device({ suite }));
  const receipts = await receiptsOf(await Promise.all(all));
  expect(receipts).toHaveLength(3);
  expect(deriveKey).not.toHaveBeenCalled();
});

it.each(['receipt', 'abort'])('erases every key that was derived, on %s', async (ending) => {
  const end = new AbortController();
  const derived: Uint8Array[] = [];
  const all = [await device(), await device({ suite }), await device({ suite })];
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async (...of) => {
    const bits = await deriveBits(...of);
    // Not the agreements' public keys, nor the known answer by which the platform was tried.
    const { info } = of[0] as { info?: Uint8Array };
    if (info === undefined || info.length === 32) return bits;
    derived.push(new Uint8Array(bits));
    if (ending === 'abort') end.abort();
    return bits;
  });
  const [own, ...others] = all.map((client) => client.submit({ attempts: 1, signal: end.signal }));
  const settled = await own!.then(
    () => 'receipt',
    (error: Error & { code: string }) => error.code,
  );
  expect(settled).toBe(ending === 'abort' ? 'submit-aborted' : 'receipt');
  await Promise.allSettled(others);
  // Two channel keys and a pair secret for each of two neighbours.
  await vi.waitFor(() => expect(derived).toHaveLength(6));
  await vi.waitFor(() => {
    for (const key of derived) expect(key).toEqual(new Uint8Array(32));
  });
});
