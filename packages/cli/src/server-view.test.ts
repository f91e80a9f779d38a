import { memoryStore, startRegistrar } from '@onlysum/registrar';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { EPOCH_MS, REGISTRAR_SEED, makeTask } from '../../registrar/test/fleet.js';
import { viewServer } from './server-view.js';

it('knows a registrar that cannot read its store for one, and why it is not ready', async () => {
  const store = memoryStore();
  const server = await startRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [makeTask()],
    epochLengthMs: EPOCH_MS,
    store,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
  });
  const { url } = server;
  const health = { role: 'registrar', status: 'ok' };
  expect(await viewServer({ url })).toMatchObject({ health: { ...health, enrolled: 0 } });
  await store.close();
  expect(await viewServer({ url })).toMatchObject({
    health: { ...health, enrolled: null, incarnation: null },
    readiness: { status: 'not-ready', reasons: ['the store does not answer'] },
  });
  await server.close();
});
