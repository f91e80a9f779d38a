import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { EPOCH_MS, REGISTRAR_SEED, enrolRequest, deviceSeed } from '../../test/fleet.js';
import { createRegistrar, lmdbStore, storeOwner } from '../index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-lmdb-'));
const script = fileURLToPath(new URL('../../test/increment.mjs', import.meta.url));

afterAll(() => rm(root, { recursive: true, force: true }));

/** A process that runs the built package. */
function increment(path: string, times: number, ending = 'close'): ChildProcess {
  const args = [script, path, String(times), ending];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<number[]> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes('\n')) return JSON.parse(text) as number[];
  }
  throw new Error(`the process ended with ${JSON.stringify(text)}`);
}

describe('lmdbStore', () => {
  it('serialises the transactions of several processes', async () => {
    const path = join(root, 'several');
    const store = lmdbStore(path);
    const children = [1, 2, 3].map(() => increment(path, 100));
    const written = await Promise.all(children.map(firstLine));
    const all = written.flat().toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(store.read((ledger) => ledger.read('count'))).toBe(300);
    expect(store.read((ledger) => [...ledger.keys('by/')])).toHaveLength(3);
    await store.close();
  });

  it('goes on when a process is killed inside a transaction, and keeps nothing of it', async () => {
    const path = join(root, 'killed');
    const child = increment(path, 3, 'hang');
    expect(await firstLine(child)).toEqual([1, 2, 3]);
    // By now it has begun the transaction in which it hangs, or is about to.
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = lmdbStore(path);
    expect(store.read((ledger) => ledger.read('count'))).toBe(3);
    await store.transact((ledger) => ledger.put('count', 4));
    expect(store.read((ledger) => ledger.read('count'))).toBe(4);
    await store.close();
  });

  it('shows at once what another process has committed', async () => {
    const path = join(root, 'fresh');
    const [server, tool] = [lmdbStore(path), lmdbStore(path)];
    for (let i = 0; i < 10; i++) {
      expect(server.read((ledger) => ledger.read('n'))).toBe(i === 0 ? undefined : i - 1);
      await tool.transact((ledger) => ledger.put('n', i));
      expect(server.read((ledger) => ledger.read('n'))).toBe(i);
    }
    await server.close();
    await tool.close();
  });

  it('lets a tool add codes while the server runs', async () => {
    const path = join(root, 'tool');
    const options = { seed: REGISTRAR_SEED, tasks: [], epochLengthMs: EPOCH_MS };
    const server = { store: lmdbStore(path) };
    const tool = { store: lmdbStore(path) };
    const registrar = await createRegistrar({ ...options, ...server });
    const administration = await createRegistrar({ ...options, ...tool });
    const [code = ''] = await administration.makeCodes(1, 60_000);
    await tool.store.close();
    const request = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    await expect(registrar.enrol(request)).resolves.toMatchObject({ pseudonym: request.pseudonym });
    await server.store.close();
  });

  it('is not made where it must be there', async () => {
    const [none, empty] = [join(root, 'none'), join(root, 'bare')];
    mkdirSync(empty);
    for (const path of [none, empty]) {
      expect(() => lmdbStore(path, { create: false })).toThrow(
        expect.objectContaining({ code: 'store-missing', message: expect.stringContaining(path) }),
      );
    }
    expect([existsSync(none), readdirSync(empty)]).toEqual([false, []]);
  });

  it('tells whose it is from the first start on', async () => {
    const path = join(root, 'owned');
    const store = lmdbStore(path);
    expect(store.read(storeOwner)).toBeUndefined();
    const options = { seed: REGISTRAR_SEED, tasks: [], epochLengthMs: EPOCH_MS };
    const { publicKey } = await createRegistrar({ ...options, store });
    const again = lmdbStore(path, { create: false });
    expect(again.read(storeOwner)).toEqual(publicKey);
    await again.close();
    await store.close();
  });

  it('makes a directory that only its owner can read, also with a dot in its name', async () => {
    const path = join(root, 'deep', 'v1.0', 'store.d');
    await lmdbStore(path).close();
    expect(statSync(path).isDirectory()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('says where and why it cannot be opened', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, 'no store');
    const expected = { code: 'store-unavailable', field: 'store' };
    expect(() => lmdbStore(file)).toThrow(expect.objectContaining(expected));
    expect(() => lmdbStore(join(file, 'below'))).toThrow(/a-file/);
    for (const [i, bytes] of [
      Buffer.alloc(8192, 7),
      Buffer.alloc(8192),
      Buffer.from('x'),
    ].entries()) {
      const path = join(root, `foreign ${i}`);
      await lmdbStore(path).close();
      writeFileSync(join(path, 'data.mdb'), bytes);
      // lmdb itself would end the process here.
      expect(() => lmdbStore(path)).toThrow(expect.objectContaining(expected));
    }
    const empty = join(root, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'data.mdb'), '');
    await lmdbStore(empty).close();
  });
});
