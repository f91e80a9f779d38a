import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { RoundRecord } from '@onlysum/protocol';
import { verifyChain } from '@onlysum/service';
import { afterAll, expect, it } from 'vitest';
import { openedRound, roundName, TASK } from '../../testkit/src/coordinator-records.js';
import { resealResults } from './reseal.js';
import { openRound, openSum, sealSum } from './sealed-sums.js';
import { keyedSealing, type ResultSealing } from './sealing.js';
import { memoryCoordinatorStore } from './store/memory-store.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { RoundSum } from './published-result.js';

const folder = mkdtempSync(join(tmpdir(), 'onlysum-reseal-'));
afterAll(() => rmSync(folder, { recursive: true }));

function keyFile(name: string, byte: string): { readonly file: string } {
  const file = join(folder, name);
  writeFileSync(file, byte.repeat(32), { mode: 0o600 });
  return { file };
}
const [older, present] = [keyFile('older', '0a'), keyFile('present', '0b')];
const event = { action: 'test', actor: 'test', outcome: 'done' } as const;

/** More results than a page has. */
async function storeWith(sealing: ResultSealing, count: number): Promise<CoordinatorStore> {
  const store = memoryCoordinatorStore({ suite: nativeSuite, now: () => 1 });
  const { taskId } = TASK;
  await store.recordTask(TASK, [event]);
  await store.openWindow({ taskId, window: 7, deadlineMs: 9 }, [event]);
  for (let i = 0; i < count; i++) {
    const round = roundName(i);
    const sum: unknown = { task: { taskId }, window: { index: 7 }, round, lanes: [i] };
    await store.closeRound({ outcome: openedRound(i), result: sealSum(sealing, sum as RoundSum) }, [
      event,
    ]);
  }
  return store;
}

it('seals all results under the present key, and only those that are not', async () => {
  const store = await storeWith(await keyedSealing([older]), 120);
  const sealing = await keyedSealing([present, older]);
  expect(await resealResults({ store, sealing, actor: 'command' })).toBe(120);
  const alone = await keyedSealing([present]);
  expect(await store.resultsUnderOtherKeys(alone.keyId)).toEqual([]);
  for (const i of [0, 119]) {
    expect(openSum(alone, (await store.result(roundName(i)))!).lanes).toEqual([i]);
  }
  const entries = await store.auditEntries({ limit: 1_000 });
  const rotations = entries.filter(({ action }) => action === 'key.rotate');
  expect(new Set(rotations.map(({ subject }) => subject)).size).toBe(120);
  const from = (await keyedSealing([older])).keyId;
  expect(rotations[0]).toMatchObject({ actor: 'command', details: { from, to: alone.keyId } });
  expect(verifyChain(nativeSuite, entries).fault).toBeUndefined();
  expect(await resealResults({ store, sealing, actor: 'command' })).toBe(0);
  expect((await store.auditHead()).sequence).toBe(entries.length);
});

it('keeps the round record that lies under the same seal', async () => {
  const before = await keyedSealing([older]);
  const store = await storeWith(before, 1);
  const stored = (await store.result(roundName(0)))!;
  const record = { maskedTotal: '00' } as unknown as RoundRecord;
  const withRecord = sealSum(before, openSum(before, stored), record);
  await store.reseal(stored.round, stored.keyId, withRecord, [event]);
  const sealing = await keyedSealing([present, older]);
  expect(await resealResults({ store, sealing, actor: 'command' })).toBe(1);
  const opened = openRound(sealing, (await store.result(stored.round))!);
  expect(opened.record).toEqual(record);
  expect(opened.sum).not.toHaveProperty('record');
});

it('ends after so many, between two of them when told to, and goes on where it ended', async () => {
  const store = await storeWith(await keyedSealing([older]), 120);
  const sealing = await keyedSealing([present, older]);
  const ports = { store, sealing, actor: 'command' };
  expect(await resealResults({ ...ports, most: 0 })).toBe(0);
  expect(await resealResults({ ...ports, most: 101 })).toBe(101);
  const stopping = new AbortController();
  const onResealed = () => stopping.abort();
  expect(await resealResults({ ...ports, signal: stopping.signal, onResealed })).toBe(1);
  expect(await resealResults(ports)).toBe(18);
});

it('reads anew what somebody else changed meanwhile, but not for ever', async () => {
  const inner = await storeWith(await keyedSealing([older]), 3);
  const sealing = await keyedSealing([present, older]);
  const conflict = new UsageError('store-conflict', 'another key');
  let conflicts = 2;
  const store: CoordinatorStore = {
    ...inner,
    reseal: (...args) => (conflicts-- > 0 ? Promise.reject(conflict) : inner.reseal(...args)),
  };
  expect(await resealResults({ store, sealing, actor: 'command' })).toBe(3);
  const never: CoordinatorStore = { ...inner, reseal: () => Promise.reject(conflict) };
  const again = await keyedSealing([older, present]);
  await expect(resealResults({ store: never, sealing: again, actor: 'command' })).rejects.toBe(
    conflict,
  );
});

it('leaves what no key opens as it is, and says so', async () => {
  const store = await storeWith(await keyedSealing([older]), 1);
  const before = await store.result(roundName(0));
  const sealing = await keyedSealing([present]);
  await expect(resealResults({ store, sealing, actor: 'command' })).rejects.toMatchObject({
    code: 'seal-key-unknown',
  });
  expect(await store.result(roundName(0))).toEqual(before);
});

it('needs a key', async () => {
  await expect(keyedSealing([])).rejects.toMatchObject({ code: 'seal-key-unavailable' });
});
