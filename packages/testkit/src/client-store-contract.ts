/** What every `ClientStore` must do, whatever keeps its bytes. */
import type { ClientRecord, ClientStore } from '@onlysum/client';
import { describe, expect, it } from 'vitest';

export interface OpenedClientStore {
  readonly store: ClientStore;
  /** Opens the same record once more, beside the first; absent if nothing is shared or kept. */
  readonly another?: () => ClientStore;
}

const PUBLISHER = 'ab'.repeat(32);

/** Counts in a corner of the record that holds numbers. */
function count(record: ClientRecord, name = 'n'): number {
  return record.versions[PUBLISHER]?.[name] ?? 0;
}

function counted(record: ClientRecord, value: number, name = 'n'): ClientRecord {
  const versions = {
    ...record.versions,
    [PUBLISHER]: { ...record.versions[PUBLISHER], [name]: value },
  };
  return { ...record, versions };
}

function increment(store: ClientStore, name = 'n'): Promise<number> {
  return store.update((record) => {
    const next = count(record, name) + 1;
    return [counted(record, next, name), next];
  });
}

/** @param open - a fresh, empty store for each test. */
export function clientStoreContract(name: string, open: () => Promise<OpenedClientStore>): void {
  describe(`ClientStore contract: ${name}`, () => {
    const withStore = async (run: (opened: OpenedClientStore) => Promise<void>) => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.store.close();
      }
    };

    it('begins with an empty record', () =>
      withStore(async ({ store }) => {
        expect(await store.read()).toEqual({
          registrars: {},
          versions: {},
          contributedUntil: {},
          privacySpent: {},
          receipts: [],
          receiptsCut: 0,
        });
      }));

    it('gives what the change returned, and shows the change to the next one', () =>
      withStore(async ({ store }) => {
        expect(await increment(store)).toBe(1);
        expect(await increment(store)).toBe(2);
        expect(count(await store.read())).toBe(2);
      }));

    it('loses no change of many at once', () =>
      withStore(async ({ store }) => {
        const results = await Promise.all(Array.from({ length: 20 }, () => increment(store)));
        expect([...results].sort((a, b) => a - b)).toEqual(
          Array.from({ length: 20 }, (_, i) => i + 1),
        );
        expect(count(await store.read())).toBe(20);
      }));

    it('changes nothing when a change throws, and goes on', () =>
      withStore(async ({ store }) => {
        await increment(store);
        const refusing = store.update(() => {
          throw new RangeError('no');
        });
        await expect(refusing).rejects.toThrow(new RangeError('no'));
        expect(count(await store.read())).toBe(1);
        expect(await increment(store)).toBe(2);
      }));

    it('is not changed through what it handed out or was given', () =>
      withStore(async ({ store }) => {
        const given = await store.update((record) => {
          const next = counted(record, 1);
          return [next, next];
        });
        const handed = await store.read();
        for (const record of [given, handed]) {
          (record.versions[PUBLISHER] as Record<string, number>)['n'] = 99;
        }
        expect(count(await store.read())).toBe(1);
      }));

    it('keeps names that every object inherits apart from what is inherited', () =>
      withStore(async ({ store }) => {
        // A metric may have such a name; losing its entry would let a device contribute twice.
        const names = ['constructor', 'valueOf'];
        for (const name of names) {
          await store.update((record) => [counted(record, 7, name), undefined]);
        }
        const versions = (await store.read()).versions[PUBLISHER] ?? {};
        expect(Object.entries(versions)).toEqual(names.map((name) => [name, 7]));
      }));

    it('refuses everything once closed', async () => {
      const { store } = await open();
      await store.close();
      await expect(store.read()).rejects.toMatchObject({ code: 'store-failed' });
      await expect(increment(store)).rejects.toMatchObject({ code: 'store-failed' });
    });

    it('ends what is under way before it closes', async () => {
      const { store, another } = await open();
      const under = increment(store);
      await store.close();
      expect(await under).toBe(1);
      if (another === undefined) return;
      const second = another();
      expect(count(await second.read())).toBe(1);
      await second.close();
    });

    it('is one record for all that open it', (context) =>
      withStore(async ({ store, another }) => {
        if (another === undefined) return context.skip('it is not shared');
        const others = Array.from({ length: 3 }, () => another());
        const stores = [store, ...others];
        await Promise.all(
          stores.flatMap((one) => [increment(one), increment(one), increment(one)]),
        );
        for (const one of stores) expect(count(await one.read())).toBe(12);
        for (const one of others) await one.close();
      }));
  });
}
