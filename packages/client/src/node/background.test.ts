import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRng } from '@onlysum/crypto';
import { windowAt } from '@onlysum/task';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { submitAtMs, visitAt } from '../background.js';
import { slotsIn } from '../window-slots.js';
import { type Client, createClient, fileStore, memoryStore } from './index.js';
import {
  manifest,
  publisherKey,
  REGISTRAR_URL,
  type Rig,
  signed,
  START_MS,
  startRig,
  suite,
  WINDOW_MS,
} from '../../test/rig.js';

const BUILD = new URL('../../dist/node/index.js', import.meta.url).href;

describe('the schedule', () => {
  const plain = manifest('wss://sum.test');
  const windowStartMs = START_MS - 1000;
  const at = (fromMs: number, byte: number): number =>
    submitAtMs(plain, fromMs, (length) => new Uint8Array(length).fill(byte));

  it('takes any time of what is left of a window but its last tenth', () => {
    expect(at(windowStartMs, 0)).toBe(windowStartMs);
    expect(at(windowStartMs, 0xff)).toBeCloseTo(windowStartMs + 0.9 * WINDOW_MS, -1);
    const middleMs = windowStartMs + WINDOW_MS / 2;
    expect(at(middleMs, 0)).toBe(middleMs);
    expect(at(middleMs, 0x80)).toBeCloseTo(middleMs + 0.2 * WINDOW_MS, -5);
  });

  it('goes on to the next window from there', () => {
    const lateMs = windowStartMs + 0.95 * WINDOW_MS;
    expect(at(lateMs, 0)).toBe(windowStartMs + WINDOW_MS);
    expect(at(lateMs, 0xff)).toBeCloseTo(windowStartMs + 1.9 * WINDOW_MS, -1);
  });
});

describe('slots', () => {
  const plain = manifest('wss://sum.test');
  const slots = { opensMs: [100_000, 200_000], closesMs: 300_000 };
  const visit = (fromMs: number, hasTried = false, byte = 0) =>
    visitAt(slots, fromMs, hasTried, plain, (length) => new Uint8Array(length).fill(byte));

  it('are come to within seconds of their opening', () => {
    expect(visit(0)).toEqual({ atMs: 100_000, isLast: false });
    expect(visit(0, false, 0xff)?.atMs).toBeCloseTo(105_000, -1);
    expect(visit(100_001)).toEqual({ atMs: 200_000, isLast: true });
  });

  it('let who missed the last come at once, and who failed there at any time', () => {
    expect(visit(200_001)).toEqual({ atMs: 200_001, isLast: true });
    expect(visit(200_001, false, 0xff)?.atMs).toBeCloseTo(205_001, -1);
    expect(visit(200_001, true, 0xff)?.atMs).toBeCloseTo(300_000, -1);
    expect(visit(299_000, false, 0xff)?.atMs).toBeLessThanOrEqual(300_000);
    expect(visit(300_000)).toBeUndefined();
  });
});

describe('the announcement of a window', () => {
  async function slotsWhere(announce: Rig['announce'], incarnation = 0) {
    const rig = await startRig();
    const problems: string[] = [];
    const store = memoryStore();
    const options = { publisherKey, registrarUrl: REGISTRAR_URL, store, fetch: rig.fetch };
    const now = () => rig.nowMs;
    const client = await createClient({ ...options, manifest: rig.signedManifest, now });
    await client.enrol(rig.code());
    rig.announce = announce;
    if (incarnation > 0) {
      await store.update((record) => {
        const [[key, own] = ['', undefined]] = Object.entries(record.registrars);
        const registrars = own === undefined ? {} : { [key]: { ...own, incarnation } };
        return [{ ...record, registrars }, undefined];
      });
    }
    const call = { fetch: rig.fetch, url: REGISTRAR_URL, holdsProcess: false };
    const ports = { task: rig.task, store, suite, rng: systemRng, call };
    const slots = await slotsIn(
      { ...ports, onProblem: ({ code }) => problems.push(code) },
      windowAt(rig.task.manifest, rig.nowMs),
    );
    await client.close();
    await rig.close();
    return { slots, problems };
  }

  it('says when the pool meets', async () => {
    const { slots, problems } = await slotsWhere((announcement) => announcement);
    expect(problems).toEqual([]);
    expect(slots?.opensMs).toHaveLength(6);
  });

  it('counts for nothing unless the registrar signed it', async () => {
    const { slots, problems } = await slotsWhere((announcement) => ({ ...announcement, pools: 9 }));
    expect(problems).toEqual(['announcement-signature']);
    expect(slots).toBeUndefined();
  });

  it('counts for nothing in another window', async () => {
    const other = await slotsWhere((announcement) => ({
      ...announcement,
      window: announcement.window - 1,
    }));
    expect(other).toEqual({ slots: undefined, problems: [] });
  });

  it('counts for nothing in an incarnation before one that was met', async () => {
    const { slots, problems } = await slotsWhere((a) => a, START_MS + 1);
    expect(problems).toEqual(['incarnation-rollback']);
    expect(slots).toBeUndefined();
  });
});

describe('in the background', () => {
  const clients: Client[] = [];
  let rig: Rig;
  // Windows of two seconds on the real clock.
  const windowMs = 2000;

  beforeEach(async () => {
    const validity = { notBeforeMs: 0, notAfterMs: Date.now() + 86_400_000 };
    const change = {
      window: { lengthMs: windowMs },
      epoch: { lengthMs: 1800 * windowMs },
      validity,
    };
    rig = await startRig(change);
    vi.spyOn(rig, 'nowMs', 'get').mockImplementation(() => Date.now());
  });
  afterEach(async () => {
    await Promise.allSettled(clients.splice(0).map((client) => client.close()));
    await rig.close();
  });

  async function device(onProblem: (problem: unknown) => void): Promise<Client> {
    const client = await createClient({
      manifest: rig.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store: memoryStore(),
      fetch: rig.fetch,
      onProblem,
    });
    clients.push(client);
    await client.enrol(rig.code());
    return client;
  }

  it('submits in each window, until it is stopped', async () => {
    const problems: unknown[] = [];
    const all = await Promise.all([1, 2, 3].map(() => device((problem) => problems.push(problem))));
    for (const client of all) client.start();
    all[0]?.start();
    const receipts = () => Promise.all(all.map((client) => client.receipts()));
    await vi.waitFor(async () => {
      for (const list of await receipts()) expect(list.length).toBeGreaterThanOrEqual(2);
    }, 15_000);
    for (const client of all) client.stop();
    for (const list of await receipts()) {
      const windows = list.map((entry) => entry.window.index);
      expect(new Set(windows).size).toBe(windows.length);
    }
    const before = rig.connections;
    await new Promise((resume) => setTimeout(resume, 1.2 * windowMs));
    expect(rig.connections).toBe(before);
    const codes = problems.map((problem) => (problem as { code: string }).code);
    // Those enrolled since the window was frozen wait for the next; stopping is no problem.
    expect(codes.filter((code) => !['round-aborted', 'not-enrolled-yet'].includes(code))).toEqual(
      [],
    );
  });

  it('never overlaps a submission of the host', async () => {
    const problems: unknown[] = [];
    const client = await device((problem) => problems.push(problem));
    let most = 0;
    let open = 0;
    rig.hand = {
      up: (_type, _bytes, _connection, socket) => {
        most = Math.max(most, ++open);
        socket.once('close', () => open--);
        return false;
      },
    };
    const end = new AbortController();
    const own = client.submit({ signal: end.signal }).catch(() => {});
    client.start();
    await new Promise((resume) => setTimeout(resume, 1.5 * windowMs));
    end.abort();
    await own;
    expect(most).toBe(1);
    expect(problems).toEqual([]);
  });

  it('reports what goes wrong and goes on', async () => {
    const problems: { code: string }[] = [];
    const client = await createClient({
      manifest: rig.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store: memoryStore(),
      onProblem: (problem) => {
        problems.push(problem);
        throw new Error("the host's own");
      },
    });
    clients.push(client);
    client.start();
    await vi.waitFor(() => expect(problems.length).toBeGreaterThanOrEqual(2), 10_000);
    for (const { code } of problems) expect(code).toBe('not-enrolled');
  });
});

describe('a process', () => {
  const root = mkdtempSync(join(tmpdir(), 'onlysum-background-'));
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** @returns what it printed, and for how long it went on after its last line. */
  async function run(body: string, record: string, signedManifest: unknown, registrarUrl: string) {
    const source = `
      import { createClient, fileStore } from ${JSON.stringify(BUILD)};
      const client = await createClient({
        manifest: ${JSON.stringify(signedManifest)},
        publisherKey: ${JSON.stringify(publisherKey)},
        registrarUrl: ${JSON.stringify(registrarUrl)},
        store: fileStore(${JSON.stringify(record)}),
        onProgress: ({ stage }) => console.log(stage),
        onProblem: ({ code }) => console.log(code),
      });
      ${body}
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let saidAtMs = performance.now();
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      saidAtMs = performance.now();
    });
    const [code] = (await once(child, 'close')) as [number];
    return { code, output, lingeredMs: performance.now() - saidAtMs };
  }

  async function enrolled(rig: Rig): Promise<string> {
    const path = join(root, 'device');
    const client = await createClient({
      manifest: rig.signedManifest,
      publisherKey,
      registrarUrl: REGISTRAR_URL,
      store: fileStore(path),
      fetch: rig.fetch,
    });
    await client.enrol(rig.code());
    await client.close();
    return path;
  }

  async function realTimeRig(windowMs: number, epochMs: number): Promise<Rig> {
    const rig = await startRig({
      window: { lengthMs: windowMs },
      epoch: { lengthMs: epochMs },
      validity: { notBeforeMs: 0, notAfterMs: Date.now() + 100 * 86_400_000 },
    });
    vi.spyOn(rig, 'nowMs', 'get').mockImplementation(() => Date.now());
    return rig;
  }

  const DAY_MS = 86_400_000;
  const goesOnFor = (ms: number) => `
    client.start();
    setTimeout(() => console.log('the host is done'), ${ms});
  `;

  it('is not held by a schedule', async () => {
    const rig = await realTimeRig(DAY_MS, DAY_MS);
    const path = await enrolled(rig);
    const { code, output, lingeredMs } = await run(
      goesOnFor(500),
      path,
      rig.signedManifest,
      REGISTRAR_URL,
    );
    expect(code).toBe(0);
    expect(output).toMatch(/the host is done\n$/);
    expect(lingeredMs).toBeLessThan(1500);
    await rig.close();
  });

  it('is not held by a background round that waits for others', async () => {
    const rig = await realTimeRig(2000, 3600 * 2000);
    const path = await enrolled(rig);
    const { code, output, lingeredMs } = await run(
      goesOnFor(2500),
      path,
      rig.signedManifest,
      REGISTRAR_URL,
    );
    expect(code).toBe(0);
    // It had begun, and nothing had ended it.
    expect(output).toMatch(/advertised\n(waiting\n)*the host is done\n$/);
    expect(lingeredMs).toBeLessThan(1500);
    await rig.close();
  });

  it('is not held by a background request that is not answered', async () => {
    const rig = await realTimeRig(1000, 1000);
    const path = await enrolled(rig);
    let requests = 0;
    const silent = createServer(() => requests++);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    // Its certificate is over: it has to ask before it can join a round.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const hung = await run(goesOnFor(2500), path, rig.signedManifest, url);
    const { code, output, lingeredMs } = hung;
    expect(requests).toBeGreaterThan(0);
    expect(code).toBe(0);
    // Nothing ended the request either.
    expect(output).toMatch(/the host is done\n$/);
    expect(lingeredMs).toBeLessThan(1500);
    silent.closeAllConnections();
    silent.close();
    await rig.close();
  });

  it('is held by submit until that is done', async () => {
    const rig = await realTimeRig(DAY_MS, 2 * DAY_MS);
    const path = await enrolled(rig);
    const body = `client.submit({ timeoutMs: 1500 }).catch(({ code }) => console.log(code));`;
    const { code, output } = await run(body, path, rig.signedManifest, REGISTRAR_URL);
    expect(output).toMatch(/advertised\n[^]*submit-timeout\n$/);
    expect(code).toBe(0);
    await rig.close();
  });
});

it('refuses to start once closed', async () => {
  const client = await createClient({
    manifest: signed(manifest('wss://sum.test')),
    publisherKey,
    registrarUrl: REGISTRAR_URL,
    store: memoryStore(),
    now: () => START_MS,
  });
  await client.close();
  await client.close();
  expect(() => client.start()).toThrow(expect.objectContaining({ code: 'client-closed' }));
});
