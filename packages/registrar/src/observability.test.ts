/** What a registrar says of its work: /metrics and /readyz, over real HTTP, and its log. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import {
  askHttp,
  Coordinator,
  deviceSeed,
  enrolDevices,
  enrolRequest,
  EPOCH_MS,
  makeTask,
  REGISTRAR_SEED,
  START_MS,
} from '../test/fleet.js';
import {
  memoryStore,
  type RegistrarServerOptions,
  type RunningRegistrar,
  startRegistrar,
} from './index.js';

const running: RunningRegistrar[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(changes: Partial<RegistrarServerOptions> = {}) {
  const clock = { nowMs: START_MS };
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const task = makeTask();
  const server = await startRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [task],
    epochLengthMs: EPOCH_MS,
    store: memoryStore(),
    now: () => clock.nowMs,
    host: '127.0.0.1',
    port: 0,
    metrics: true,
    logger: pino({ level: 'trace' }, sink),
    ...changes,
  });
  running.push(server);
  return { ...server, clock, lines, task };
}

const get = (url: string) => fetch(url);

describe('/metrics', () => {
  it('counts attestations by kind and outcome, and certificates', async () => {
    const { url, registrar, clock, task } = await start();
    const devices = await enrolDevices(registrar, 6);
    const unknown = enrolRequest(
      registrar.publicKey,
      'ffffff-ffffff-ffffff-ffffff',
      deviceSeed('none'),
    );
    await expect(registrar.enrol(unknown)).rejects.toMatchObject({ code: 'code-invalid' });
    const coordinator = new Coordinator(task, clock, askHttp(url));
    await coordinator.openWindow();
    await coordinator.roster('a', devices);
    await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]);
    const response = await get(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const text = await response.text();
    for (const line of [
      'attestations_total{kind="window",outcome="attested"} 1',
      'attestations_total{kind="roster",outcome="attested"} 1',
      'attestation_duration_seconds_count{kind="roster"} 1',
      'certificates_total{kind="enrol",outcome="granted"} 6',
      'certificates_total{kind="enrol",outcome="code-invalid"} 1',
      'enrolled 6',
    ]) {
      expect(text).toContain(`onlysum_registrar_${line}\n`);
    }
    expect(text).toMatch(/attestations_total\{kind="survivor-set",outcome="set-[a-z-]+"\} 1/);
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).not.toMatch(/="[0-9a-f]{8,}"/);
  });

  it('is there only if it was asked for', async () => {
    const { url } = await start({ metrics: false });
    expect((await get(`${url}/metrics`)).status).toBe(404);
  });
});

describe('/readyz', () => {
  it('is 200 while the store is open and a task is valid', async () => {
    const { url } = await start();
    const response = await get(`${url}/readyz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ready', reasons: [] });
  });

  it('is 503 with the reasons otherwise', async () => {
    const store = memoryStore();
    const { url, clock, task } = await start({ store });
    clock.nowMs = task.manifest.validity.notAfterMs + EPOCH_MS;
    const late = await get(`${url}/readyz`);
    expect([late.status, await late.json()]).toEqual([
      503,
      { status: 'not-ready', reasons: ['no task is valid now'] },
    ]);
    await store.close();
    const closed = (await (await get(`${url}/readyz`)).json()) as { reasons: string[] };
    expect(closed.reasons).toContain('the store does not answer');
  });
});

describe('the log', () => {
  it('has round and task on every line about a round', async () => {
    const { registrar, url, clock, task, lines } = await start();
    const devices = await enrolDevices(registrar, 6);
    const coordinator = new Coordinator(task, clock, askHttp(url));
    await coordinator.openWindow();
    await coordinator.roster('a', devices);
    await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4, 5]);
    await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4, 5]);
    const about = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['msg'] === 'attest' && line['kind'] !== 'window');
    expect(about).toHaveLength(3);
    for (const line of about) {
      expect(line).toMatchObject({
        task: task.manifest.name,
        round: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      });
    }
  });
});
