import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { openedRound, roundName, TASK } from '../../testkit/src/coordinator-records.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  checkSealKeys,
  fileSealing,
  freshSealing,
  keyedSealing,
  type ResultSealing,
} from './sealing.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import { memoryCoordinatorStore } from './store/memory-store.js';

const place = { kind: 'result', task: 'ab', window: 1, round: 'cd' };
const event = { action: 'test', actor: 'test', outcome: 'done' } as const;
let directory: string;

/** With so many results under each of these keys, the first ones in the oldest rounds. */
async function storeUnder(...keys: readonly [ResultSealing, number][]): Promise<CoordinatorStore> {
  const store = memoryCoordinatorStore({ suite: nativeSuite, now: () => 1 });
  const { taskId } = TASK;
  await store.recordTask(TASK, [event]);
  await store.openWindow({ taskId, window: 7, deadlineMs: 9 }, [event]);
  const under = keys.flatMap(([{ keyId }, count]) => new Array<string>(count).fill(keyId));
  for (const [i, keyId] of under.entries()) {
    const result = { keyId, sealed: Uint8Array.of(1) };
    await store.closeRound({ outcome: openedRound(i), result }, [event]);
  }
  expect(await store.result(roundName(0))).toBeDefined();
  return store;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-sealing-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('makes a private key file once, whoever starts first', async () => {
  const path = join(directory, 'key');
  const all = await Promise.all(Array.from({ length: 8 }, () => fileSealing(path)));
  expect(new Set(all.map(({ keyId }) => keyId)).size).toBe(1);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['key']);
  const sealed = all[0]!.seal(utf8('sum'), place);
  const again = await fileSealing(path);
  expect(again.open(sealed, place)).toEqual(utf8('sum'));
  expect(() => again.open(sealed, { ...place, window: 2 })).toThrow(
    expect.objectContaining({ code: 'seal-open-failed' }),
  );
});

it('refuses a key file that others can read, or that cannot be made', async () => {
  const path = join(directory, 'key');
  await fileSealing(path);
  await chmod(path, 0o640);
  await expect(fileSealing(path)).rejects.toMatchObject({ code: 'seal-key-unavailable' });
  const nowhere = join(directory, 'none', 'key');
  await expect(fileSealing(nowhere)).rejects.toMatchObject({ code: 'seal-key-unavailable' });
});

it('seals under another key in every process without a file', () => {
  const sealed = freshSealing().seal(utf8('sum'), place);
  expect(() => freshSealing().open(sealed, place)).toThrow(
    expect.objectContaining({ code: 'seal-key-unknown' }),
  );
});

describe('the keys of what is in a store', () => {
  it('pass if all are given, whichever seals', async () => {
    const [older, present] = [join(directory, 'older'), join(directory, 'present')];
    const before = await fileSealing(older);
    const now = await fileSealing(present);
    const store = await storeUnder([before, 2], [now, 1]);
    await checkSealKeys(store, await keyedSealing([{ file: present }, { file: older }]));
    await checkSealKeys(store, await keyedSealing([{ file: older }, { file: present }]));
    await checkSealKeys(memoryCoordinatorStore(), now);
  });

  it('are named if they are not, however many results lie before', async () => {
    const [older, lost, present] = [freshSealing(), freshSealing(), freshSealing()];
    const store = await storeUnder([lost, 3], [older, 120]);
    const { keyId } = present;
    const sealing = { ...present, keyId, keyIds: [keyId, older.keyId] };
    await expect(checkSealKeys(store, sealing)).rejects.toMatchObject({
      code: 'seal-key-unknown',
      expected: `the key of the 3 results that are sealed under ${lost.keyId}`,
      got: `${keyId}, ${older.keyId}`,
    });
  });

  it('are not made anew beside results', async () => {
    const path = join(directory, 'key');
    const store = await storeUnder([await fileSealing(path), 1]);
    await rm(path);
    const making = fileSealing(path, store);
    await expect(making).rejects.toMatchObject({ code: 'seal-key-unknown', field: 'resultsKey' });
    expect(await readdir(directory)).toEqual([]);
    await fileSealing(path, memoryCoordinatorStore());
    // One that is there is not this check's business.
    await fileSealing(path, store);
  });
});
