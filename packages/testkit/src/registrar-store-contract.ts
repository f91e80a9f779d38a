/** What every `RegistrarStore` must do, whatever keeps its bytes. */
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import type { RegistrarStore } from '@onlysum/registrar';
import { describe, expect, it } from 'vitest';

export interface OpenedStore {
  readonly store: RegistrarStore;
  /** Closes the store and opens it again over the same bytes; absent if it keeps none. */
  readonly reopen?: () => Promise<RegistrarStore>;
}

/** @param open - a fresh, empty store for each test. */
export function registrarStoreContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`RegistrarStore contract: ${name}`, () => {
    const withStore = async (run: (opened: OpenedStore) => Promise<void>) => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.store.close();
      }
    };

    it('gives what the transaction returned, and shows what it put to the next one', () =>
      withStore(async ({ store }) => {
        expect(await store.transact((ledger) => (ledger.put('a', 1), 'result'))).toBe('result');
        expect(await store.transact((ledger) => ledger.read('a'))).toBe(1);
        expect(store.read((ledger) => ledger.read('a'))).toBe(1);
        expect(store.read((ledger) => ledger.read('b'))).toBeUndefined();
      }));

    it('shows a transaction its own puts, by key and by prefix', () =>
      withStore(async ({ store }) => {
        await store.transact((ledger) => {
          ledger.put('a/1', 'old');
          ledger.put('a/2', 'kept');
          ledger.put('c', 'something');
        });
        await store.transact((ledger) => {
          ledger.put('a/1', 'new');
          ledger.put('a/0', 'first');
          ledger.put('b/0', 'other');
          ledger.put('c', null);
          expect(ledger.read('a/1')).toBe('new');
          expect(ledger.read('c')).toBeNull();
          expect([...ledger.keys('a/')]).toEqual(['a/0', 'a/1', 'a/2']);
        });
        expect(store.read((ledger) => [...ledger.keys('a/')])).toEqual(['a/0', 'a/1', 'a/2']);
      }));

    it('removes a key for good, once the transaction is kept', () =>
      withStore(async ({ store, reopen }) => {
        await store.transact((ledger) => {
          for (const key of ['r/a', 'r/b', 'r/c']) ledger.put(key, 1);
        });
        const failing = store.transact((ledger) => {
          ledger.remove('r/a');
          throw new Error('refused');
        });
        await expect(failing).rejects.toThrow('refused');
        expect(store.read((ledger) => ledger.read('r/a'))).toBe(1);
        await store.transact((ledger) => {
          ledger.remove('r/a');
          ledger.remove('r/b');
          ledger.remove('r/none');
          expect(ledger.read('r/a')).toBeUndefined();
          expect([...ledger.keys('r/')]).toEqual(['r/c']);
          ledger.put('r/b', 2);
        });
        const after = reopen === undefined ? store : await reopen();
        expect(after.read((ledger) => [...ledger.keys('r/')])).toEqual(['r/b', 'r/c']);
        expect(after.read((ledger) => ledger.read('r/b'))).toBe(2);
        if (after !== store) await after.close();
      }));

    it('lists keys ascending, only those with the prefix, also when there are none', () =>
      withStore(async ({ store }) => {
        await store.transact((ledger) => {
          for (const key of ['p/b', 'p', 'p/a', 'p0', 'o/z', 'p/ab']) ledger.put(key, true);
        });
        const keys = (prefix: string) => store.read((ledger) => [...ledger.keys(prefix)]);
        expect(keys('p/')).toEqual(['p/a', 'p/ab', 'p/b']);
        expect(keys('p')).toEqual(['p', 'p/a', 'p/ab', 'p/b', 'p0']);
        expect(keys('q')).toEqual([]);
      }));

    it('keeps nothing of a transaction that throws, and passes the error on', () =>
      withStore(async ({ store }) => {
        await store.transact((ledger) => ledger.put('kept', 'before'));
        const failure = new Error('refused');
        const failing = store.transact((ledger) => {
          ledger.put('kept', 'after');
          ledger.put('added', 1);
          throw failure;
        });
        await expect(failing).rejects.toBe(failure);
        expect(store.read((ledger) => ledger.read('kept'))).toBe('before');
        expect(store.read((ledger) => [...ledger.keys('')])).toEqual(['kept']);
        await store.transact((ledger) => ledger.put('added', 2));
        expect(store.read((ledger) => ledger.read('added'))).toBe(2);
      }));

    it('runs concurrent transactions one after the other', () =>
      withStore(async ({ store }) => {
        const increment = (ledger: Ledger) => {
          const next = Number(ledger.read('count') ?? 0) + 1;
          ledger.put('count', next);
          return next;
        };
        const seen = await Promise.all(
          Array.from({ length: 100 }, async () => {
            await Promise.resolve();
            return store.transact(increment);
          }),
        );
        expect(seen.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: 100 }, (_, i) => i + 1),
        );
      }));

    it('gives values back unchanged, as plain data', () =>
      withStore(async ({ store }) => {
        const value: LedgerValue = {
          none: null,
          yes: true,
          no: false,
          zero: 0,
          large: Number.MAX_SAFE_INTEGER,
          time: 1_800_000_000_123,
          text: 'γ ≤ δ',
          empty: '',
          bytes: Uint8Array.from([0, 255, 127]),
          noBytes: new Uint8Array(0),
          list: [1, 'two', Uint8Array.from([3]), [], { four: 4 }],
          nested: { a: { b: Uint8Array.from([1, 2]) } },
        };
        await store.transact((ledger) => ledger.put('value', value));
        const back = store.read((ledger) => ledger.read('value'));
        // Strict: a Buffer in the place of a Uint8Array would slice without copying.
        expect(back).toStrictEqual(value);
      }));

    it('shares no memory with its callers', () =>
      withStore(async ({ store }) => {
        const bytes = Uint8Array.from([1, 2, 3]);
        await store.transact((ledger) => {
          ledger.put('bytes', bytes);
          bytes[0] = 9;
        });
        bytes[1] = 9;
        const first = store.read((ledger) => ledger.read('bytes')) as Uint8Array;
        first[2] = 9;
        await store.transact((ledger) => ledger.put('other', new Uint8Array(64).fill(7)));
        expect(store.read((ledger) => ledger.read('bytes'))).toStrictEqual(
          Uint8Array.from([1, 2, 3]),
        );
        expect(first).toStrictEqual(Uint8Array.from([1, 2, 9]));
      }));

    it('refuses a put where only reading was asked for', () =>
      withStore(async ({ store }) => {
        expect(() => store.read((ledger) => ledger.put('a', 1))).toThrow('read-only');
        expect(store.read((ledger) => ledger.read('a'))).toBeUndefined();
      }));

    it('refuses a ledger that outlived its transaction', () =>
      withStore(async ({ store }) => {
        let kept: Ledger | undefined;
        await store.transact((ledger) => {
          kept = ledger;
        });
        expect(() => kept?.put('late', 1)).toThrow('after its transaction');
        expect(() => kept?.read('late')).toThrow('after its transaction');
        expect(() => kept?.keys('')).toThrow('after its transaction');
        expect(store.read((ledger) => [...ledger.keys('')])).toEqual([]);
      }));

    it('refuses an asynchronous transaction and keeps nothing of it', () =>
      withStore(async ({ store }) => {
        const slow = store.transact(async (ledger) => {
          ledger.put('a', 1);
          await Promise.resolve();
          ledger.put('b', 2);
        });
        await expect(slow).rejects.toThrow('synchronous');
        expect(store.read((ledger) => [...ledger.keys('')])).toEqual([]);
      }));

    it('refuses a transaction inside a transaction', () =>
      withStore(async ({ store }) => {
        let inner: Promise<unknown> = Promise.resolve();
        await store.transact((ledger) => {
          ledger.put('outer', 1);
          inner = store.transact((other) => other.put('inner', 1)).catch((error: unknown) => error);
        });
        expect(String(await inner)).toContain('inside a transaction');
        expect(store.read((ledger) => [...ledger.keys('')])).toEqual(['outer']);
      }));

    it('says that it is closed', async () => {
      const { store } = await open();
      await store.close();
      await store.close();
      await expect(store.transact(() => 1)).rejects.toMatchObject({ code: 'store-closed' });
      expect(() => store.read(() => 1)).toThrow('closed');
    });

    it('has everything again after it was reopened, if it keeps bytes at all', async () => {
      const { store, reopen } = await open();
      const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => i % 251);
      await store.transact((ledger) => ledger.put('kept', { bytes, n: 1 }));
      await expect(
        store.transact((ledger) => {
          ledger.put('undone', 1);
          throw new Error('refused');
        }),
      ).rejects.toThrow('refused');
      if (reopen === undefined) return store.close();
      const again = await reopen();
      expect(again.read((ledger) => ledger.read('kept'))).toStrictEqual({ bytes, n: 1 });
      expect(again.read((ledger) => [...ledger.keys('')])).toEqual(['kept']);
      await again.close();
    });
  });
}
