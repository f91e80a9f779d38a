import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createRegistrar, lmdbStore } from '@onlysum/registrar';
import { afterAll, expect, it } from 'vitest';
import { inRegistrarStore } from './registrar-store.js';
import { run } from './run.js';

const cwd = mkdtempSync(join(tmpdir(), 'onlysum-store-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

let said = '';
const stream = new Writable({
  write: (chunk: Buffer, _, done) => {
    said += chunk.toString();
    done();
  },
});
const terminal = { out: stream, err: stream, env: {}, cwd };

it('refuses a store that no registrar has signed from, and writes nothing into it', async () => {
  const path = join(cwd, 'foreign');
  const foreign = lmdbStore(path);
  await foreign.transact((ledger) => ledger.put('other', 1));
  let ran = false;
  const refused = inRegistrarStore({ store: path }, terminal, () => {
    ran = true;
  });
  await expect(refused).rejects.toMatchObject({ code: 'store-missing', field: '--store' });
  expect(ran).toBe(false);
  expect(foreign.read((ledger) => [...ledger.keys('')])).toEqual(['other']);
  await foreign.close();
  expect(readdirSync(path)).toContain('data.mdb');
});

it('gives the operator advice for an unknown pseudonym', async () => {
  const path = join(cwd, 'own');
  const store = lmdbStore(path);
  const options = { seed: new Uint8Array(32).fill(1), tasks: [], epochLengthMs: 60_000 };
  await createRegistrar({ ...options, store });
  await store.close();
  const unknown = 'ab'.repeat(32);
  expect(await run(['registrar', 'revoke', unknown, '--store', path], terminal)).toBe(2);
  expect(said).toContain(`one that was enrolled with the registrar of ${path}, got ${unknown}`);
  expect(said).not.toContain('enrol first');
});
