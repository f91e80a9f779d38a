import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  lmdbCoordinatorStore,
  memoryCoordinatorStore,
  postgresCoordinatorStore,
} from '@onlysum/coordinator';
import { afterAll, describe } from 'vitest';
import { emptySchema, hasPostgres } from '../../../test/postgres/database.js';
import { coordinatorStoreContract } from './coordinator-store-contract.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-contract-'));
let opened = 0;

afterAll(() => rm(root, { recursive: true, force: true }));

coordinatorStoreContract('memory', async () => ({ store: memoryCoordinatorStore() }));

coordinatorStoreContract('lmdb', async () => {
  const path = join(root, `store.${opened++}`);
  return { store: lmdbCoordinatorStore(path), another: async () => lmdbCoordinatorStore(path) };
});

describe.skipIf(!hasPostgres)('with a server', () => {
  coordinatorStoreContract('PostgreSQL', async () => {
    const connection = await emptySchema();
    return {
      store: await postgresCoordinatorStore(connection),
      another: () => postgresCoordinatorStore(connection),
    };
  });
});
