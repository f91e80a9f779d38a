import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdbStore, memoryStore, postgresStore } from '@onlysum/registrar';
import { afterAll, describe } from 'vitest';
import { emptySchema, hasPostgres } from '../../../test/postgres/database.js';
import { registrarStoreContract } from './registrar-store-contract.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-contract-'));
let opened = 0;

afterAll(() => rm(root, { recursive: true, force: true }));

registrarStoreContract('memory', async () => ({ store: memoryStore() }));

registrarStoreContract('lmdb', async () => {
  const path = join(root, `store.${opened++}`);
  const store = lmdbStore(path);
  const reopen = async () => {
    await store.close();
    return lmdbStore(path);
  };
  return { store, reopen };
});

describe.skipIf(!hasPostgres)('with a server', () => {
  registrarStoreContract('PostgreSQL', async () => {
    const connection = await emptySchema();
    const store = await postgresStore(connection);
    const reopen = async () => {
      await store.close();
      return postgresStore(connection);
    };
    return { store, reopen };
  });
});
