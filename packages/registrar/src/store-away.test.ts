/** A registrar whose PostgreSQL is stopped while it runs: it is alive, and says that it is not ready. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { hasPostgres } from '../../../test/postgres/database.js';
import { postgresBinaries, startCluster } from '../../../test/postgres/cluster.js';
import {
  EPOCH_MS,
  REGISTRAR_SEED,
  deviceSeed,
  enrolDevices,
  enrolRequest,
  makeTask,
} from '../test/fleet.js';
import { type RegistrarStore, postgresStore, startRegistrar } from './index.js';

const ATTEMPTS = 300;

/** The cluster may still be starting. */
async function openStore(host: string): Promise<RegistrarStore> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await postgresStore({ host, user: 'postgres', database: 'postgres' });
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}

it.skipIf(!hasPostgres)(
  'answers whether it runs, and what it has counted',
  async () => {
    const cluster = startCluster(postgresBinaries() ?? '');
    const store = await openStore(cluster.directory);
    const server = await startRegistrar({
      seed: REGISTRAR_SEED,
      tasks: [makeTask()],
      epochLengthMs: EPOCH_MS,
      store,
      host: '127.0.0.1',
      port: 0,
      metrics: true,
      logger: pino({ level: 'silent' }),
    });
    const { url, registrar } = server;
    const json = async (path: string) => {
      const response = await fetch(url + path);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const metrics = async () => {
      const response = await fetch(`${url}/metrics`);
      return { status: response.status, text: await response.text() };
    };
    await enrolDevices(registrar, 2);
    expect((await json('/healthz')).body).toMatchObject({ enrolled: 2 });
    expect((await metrics()).text).toContain('\nonlysum_registrar_enrolled 2\n');

    await cluster.stop();
    // It answers from memory for a while; then that is too old.
    await vi.waitFor(
      async () => {
        const { status, body } = await json('/readyz');
        expect([status, body['reasons']]).toEqual([503, ['the store does not answer']]);
      },
      { timeout: 30_000, interval: 200 },
    );
    const health = await json('/healthz');
    expect(health.status).toBe(200);
    expect(health.body).toMatchObject({
      status: 'ok',
      role: 'registrar',
      tasks: [{ name: 'acme' }],
    });
    expect(health.body).toMatchObject({ incarnation: null, enrolled: null, audit: null });
    const { status, text } = await metrics();
    expect(status).toBe(200);
    expect(text).toContain('certificates_total{kind="enrol",outcome="granted"} 2\n');
    expect(text).not.toMatch(/^onlysum_registrar_(enrolled|incarnation) /m);

    const { pseudonym, ...request } = enrolRequest(registrar.publicKey, 'code', deviceSeed('x'));
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const refused = await fetch(`${url}/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, pseudonym: hex(pseudonym), proof: hex(request.proof) }),
    });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toEqual({
      error: {
        code: 'store-unavailable',
        message: 'the registrar cannot reach its store at the moment; try again later',
        retryable: true,
      },
    });
    await server.close();
    await store.close();
  },
  90_000,
);
