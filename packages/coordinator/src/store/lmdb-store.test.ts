import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbDatabase, openLmdb } from '@onlysum/service';
import { afterAll, expect, it } from 'vitest';
import { TASK, openedClose, trail } from '../../../testkit/src/coordinator-records.js';
import { lmdbCoordinatorStore } from './lmdb-store.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-coordinator-'));

afterAll(() => rm(root, { recursive: true, force: true }));

it('has no bytes of a result left that was deleted', async () => {
  const path = join(root, 'deleted');
  const store = lmdbCoordinatorStore(path);
  await store.recordTask(TASK, trail('task'));
  await store.openWindow({ taskId: TASK.taskId, window: 7, deadlineMs: 1 }, trail('window'));
  for (const number of [1, 2]) await store.closeRound(openedClose(number), trail('close'));
  const { closedMs } = openedClose(2).outcome;
  await store.deleteResults(TASK.taskId, closedMs, () => trail('delete'));
  await store.close();
  const database = openLmdb(path, (records: LmdbDatabase<unknown>) => records);
  const all = database.read((records) => [...records.getKeys()]);
  const keys = all.filter((key) => /^(sealed|result)/.test(key));
  expect(keys).toHaveLength(2);
  expect(keys.every((key) => !key.includes(openedClose(1).outcome.round))).toBe(true);
  await database.close();
});

it('is readable by its owner only, and says where it cannot be opened', async () => {
  const path = join(root, 'deep', 'v1.0');
  await lmdbCoordinatorStore(path).close();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  const file = join(root, 'a-file');
  writeFileSync(file, 'no store');
  expect(() => lmdbCoordinatorStore(file)).toThrow(
    expect.objectContaining({ code: 'store-unavailable', field: 'store' }),
  );
});
