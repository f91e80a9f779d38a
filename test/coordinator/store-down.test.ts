/** What a coordinator says of itself while its PostgreSQL is away: a server of the test's own is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CoordinatorStore,
  postgresCoordinatorStore,
  type Readiness,
} from '@onlysum/coordinator';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cluster, postgresBinaries, startCluster } from '../postgres/cluster.js';
import { closedAfterEach } from './fleets.js';
import type { Fleet } from './wire-fleet.js';

const start = closedAfterEach();
const binaries = postgresBinaries();
const MOST_MS = 30_000;

describe.skipIf(binaries === undefined)('a coordinator whose database is away', () => {
  let cluster: Cluster;
  let store: CoordinatorStore;
  beforeAll(async () => {
    cluster = startCluster(binaries ?? '');
    await cluster.started;
    store = await openedStore(cluster);
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await cluster.stop();
  });

  it('is not ready until it is back, and lives on', async () => {
    const port = (registrar: Fleet['registrar']) => ({
      attest: (bytes: Uint8Array) => registrar.attest(bytes),
      greet: () => Promise.resolve(),
    });
    const { coordinator } = await start({ port, coordinator: { store } });
    const get = (path: string) => fetch(`http://127.0.0.1:${coordinator.port}${path}`);
    const readiness = async () => {
      const response = await get('/readyz');
      return { code: response.status, ...((await response.json()) as Readiness) };
    };
    const ready = { code: 200, status: 'ready', reasons: [] };
    expect(await readiness()).toEqual(ready);
    await cluster.halt();
    const away = { code: 503, status: 'not-ready', reasons: ['the store does not answer'] };
    await vi.waitFor(async () => expect(await readiness()).toEqual(away), MOST_MS);
    expect((await get('/healthz')).status).toBe(200);
    await cluster.resume();
    await vi.waitFor(async () => expect(await readiness()).toEqual(ready), MOST_MS);
  }, 120_000);
});

const ATTEMPTS = 300;

/** A cluster that has been started takes connections a moment later. */
async function openedStore({ directory: host }: Cluster): Promise<CoordinatorStore> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await postgresCoordinatorStore({ host, user: 'postgres', database: 'postgres' });
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}
