import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import {
  type TestConnection,
  asAdministrator,
  emptySchema,
  hasPostgres,
} from '../../../../test/postgres/database.js';
import { EPOCH_MS, REGISTRAR_SEED, enrolRequest, deviceSeed } from '../../test/fleet.js';
import { type RegistrarStore, createRegistrar, postgresStore } from '../index.js';

const script = fileURLToPath(new URL('../../test/increment.mjs', import.meta.url));

/** A process that runs the built package. */
function increment(place: TestConnection, times: number, ending = 'close'): ChildProcess {
  const args = [script, JSON.stringify(place), String(times), ending];
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

const count = (store: RegistrarStore) => store.read((ledger) => ledger.read('count'));

describe.skipIf(!hasPostgres)('postgresStore', () => {
  it('serialises the transactions of several processes', async () => {
    const place = await emptySchema();
    const children = [1, 2, 3].map(() => increment(place, 100));
    const store = await postgresStore(place);
    const written = await Promise.all(children.map(firstLine));
    const all = written.flat().toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(await store.transact((ledger) => ledger.read('count'))).toBe(300);
    expect(store.read((ledger) => [...ledger.keys('by/')])).toHaveLength(3);
    await store.close();
  });

  it('serialises the transactions of several handles', async () => {
    const place = await emptySchema();
    const stores = await Promise.all([1, 2, 3].map(() => postgresStore(place)));
    const seen: number[] = [];
    const increment = async (store: RegistrarStore) => {
      for (let i = 0; i < 30; i++) {
        const next = await store.transact((ledger) => {
          const value = Number(ledger.read('count') ?? 0) + 1;
          ledger.put('count', value);
          return value;
        });
        seen.push(next);
      }
    };
    await Promise.all(stores.map(increment));
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('goes on when a process is killed inside a transaction, and keeps nothing of it', async () => {
    const place = await emptySchema();
    const child = increment(place, 3, 'hang');
    expect(await firstLine(child)).toEqual([1, 2, 3]);
    // By now it has begun the transaction in which it hangs, or is about to.
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await postgresStore(place);
    expect(count(store)).toBe(3);
    await store.transact((ledger) => ledger.put('count', 4));
    expect(count(store)).toBe(4);
    await store.close();
  });

  it('shows what another process has committed to a transaction at once, to a read soon', async () => {
    const place = await emptySchema();
    const [server, tool] = [await postgresStore(place), await postgresStore(place)];
    await tool.transact((ledger) => ledger.put('count', 1));
    expect(await server.transact((ledger) => ledger.read('count'))).toBe(1);
    await tool.transact((ledger) => ledger.put('count', 2));
    await vi.waitFor(() => expect(count(server)).toBe(2), { timeout: 10_000 });
    await server.close();
    await tool.close();
  });

  it('lets a tool add codes while the server runs', async () => {
    const place = await emptySchema();
    const options = { seed: REGISTRAR_SEED, tasks: [], epochLengthMs: EPOCH_MS };
    const [server, tool] = [await postgresStore(place), await postgresStore(place)];
    const registrar = await createRegistrar({ ...options, store: server });
    const administration = await createRegistrar({ ...options, store: tool });
    const [code = ''] = await administration.makeCodes(1, 60_000);
    await tool.close();
    const request = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    await expect(registrar.enrol(request)).resolves.toMatchObject({ pseudonym: request.pseudonym });
    await server.close();
  });

  it('loads more rows than it fetches at a time, as they were put last', async () => {
    const place = await emptySchema();
    const store = await postgresStore(place);
    const keys = Array.from({ length: 12_345 }, (_, i) => `row/${String(i).padStart(5, '0')}`);
    await store.transact((ledger) => keys.forEach((key, i) => ledger.put(key, i)));
    await store.transact((ledger) => ledger.put('row/00007', 'again'));
    await store.close();
    const again = await postgresStore(place);
    expect(again.read((ledger) => [...ledger.keys('row/')])).toEqual(keys);
    expect(again.read((ledger) => keys.map((key) => ledger.read(key)))).toEqual(
      keys.map((_, i) => (i === 7 ? 'again' : i)),
    );
    await again.close();
  });

  it('settles each of many transactions that share a commit by itself', async () => {
    const store = await postgresStore(await emptySchema());
    const results = await Promise.allSettled(
      Array.from({ length: 250 }, (_, i) =>
        store.transact((ledger) => {
          const next = Number(ledger.read('count') ?? 0) + 1;
          ledger.put('count', next);
          if (i % 3 === 0) throw new RangeError(`${i}`);
          return next;
        }),
      ),
    );
    let expected = 0;
    for (const [i, result] of results.entries()) {
      if (i % 3 === 0) expect(result).toEqual({ status: 'rejected', reason: RangeError(`${i}`) });
      else expect(result).toEqual({ status: 'fulfilled', value: ++expected });
    }
    expect(count(store)).toBe(expected);
    await store.close();
  });

  it('believes nothing that was not committed, and goes on with a new connection', async () => {
    const place = await emptySchema();
    const store = await postgresStore(place);
    await store.transact((ledger) => ledger.put('count', 1));
    // The rows are written, and the commit fails.
    await asAdministrator(
      (client) =>
        client.query(`
          create function refuse() returns trigger language plpgsql as
            $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
          create constraint trigger refusing after insert or update on registrar_ledger
            deferrable initially deferred for each row execute function refuse()`),
      place,
    );
    const refused = store.transact((ledger) => ledger.put('count', 2));
    await expect(refused).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(count(store)).toBe(1);
    await asAdministrator(
      (client) => client.query('drop trigger refusing on registrar_ledger'),
      place,
    );
    expect(await store.transact((ledger) => ledger.read('count'))).toBe(1);
    await store.transact((ledger) => ledger.put('count', 3));
    expect(count(store)).toBe(3);
    await store.close();
  });

  it('refuses a server that is behind what it has seen', async () => {
    const place = await emptySchema();
    const store = await postgresStore(place);
    for (const value of [1, 2]) await store.transact((ledger) => ledger.put('count', value));
    await asAdministrator((client) => client.query('update registrar_head set seq = 1'), place);
    await expect(store.transact((ledger) => ledger.read('count'))).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: false,
      message: expect.stringContaining('new incarnation'),
    });
    await store.close();
  });

  it('stops answering from memory when it can fetch nothing for long, until it can', async () => {
    const place = await emptySchema();
    const store = await postgresStore(place);
    await store.transact((ledger) => ledger.put('count', 1));
    const rename = (from: string, to: string) =>
      asAdministrator((client) => client.query(`alter table ${from} rename to ${to}`), place);
    await rename('registrar_head', 'gone');
    let passedMs = 0;
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    const settings = { timeout: 10_000 };
    await vi.waitFor(() => {
      passedMs += 6_000;
      expect(() => count(store)).toThrow('registrar_head');
    }, settings);
    await rename('gone', 'registrar_head');
    await vi.waitFor(() => expect(count(store)).toBe(1), settings);
    clock.mockRestore();
    await store.close();
  });

  it('has one head, whatever is inserted', async () => {
    const place = await emptySchema();
    await (await postgresStore(place)).close();
    const second = asAdministrator(
      (client) => client.query('insert into registrar_head (seq) values (5)'),
      place,
    );
    await expect(second).rejects.toMatchObject({ code: '23505' });
  });
});
