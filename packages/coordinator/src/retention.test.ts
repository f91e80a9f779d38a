import { nativeSuite } from '@onlysum/crypto/node';
import type { Task } from '@onlysum/task';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openedRound, roundName, TASK } from '../../testkit/src/coordinator-records.js';
import type { RoundSum } from './published-result.js';
import { Retention } from './retention.js';
import { openSum, sealSum } from './sealed-sums.js';
import { freshSealing } from './sealing.js';
import { memoryCoordinatorStore } from './store/memory-store.js';

const DAY_MS = 86_400_000;
const event = { action: 'test', actor: 'test', outcome: 'done' } as const;

/** Of a store with two results, as if of a task with a lane of 1 day and one of 2. */
async function retentionOf(failures: Set<string>) {
  const store = memoryCoordinatorStore({ suite: nativeSuite, now: () => 1 });
  const sealing = freshSealing();
  const { taskId } = TASK;
  await store.recordTask(TASK, [event]);
  await store.openWindow({ taskId, window: 7, deadlineMs: 9 }, [event]);
  for (const i of [0, 1]) {
    const sum: unknown = {
      task: { taskId },
      window: { index: 7 },
      round: roundName(i),
      lanes: [3, 4],
    };
    const result = sealSum(sealing, sum as RoundSum);
    await store.closeRound({ outcome: openedRound(i), result }, [event]);
  }
  const task = {
    manifest: {
      name: 'acme',
      metrics: [
        { name: 'a', retentionDays: 1 },
        { name: 'b', retentionDays: 2 },
      ],
    },
    layout: {
      lanes: [
        { index: 0, metric: 'a' },
        { index: 1, metric: 'b' },
      ],
    },
  } as unknown as Task;
  const done: string[] = [];
  let nowMs = openedRound(0).closedMs;
  const elsewhere = async (what: string, round: string) => {
    if (failures.has(round)) throw new Error('the disk is full');
    done.push(`${what} ${round}`);
  };
  const retention = new Retention({
    ...{ store, sealing, tasks: new Map([[taskId, task]]), log: pino({ level: 'silent' }) },
    now: () => nowMs,
    onTrimmed: (_, { round }) => elsewhere('trimmed', round),
    onDeleted: (_, { round }) => elsewhere('deleted', round),
  });
  const runAfter = async (days: number) => {
    nowMs = openedRound(0).closedMs + days * DAY_MS;
    await retention.run();
    return done.splice(0);
  };
  const lanesOf = async (i: number) => {
    const stored = await store.result(roundName(i));
    return stored && openSum(sealing, stored).lanes;
  };
  return { runAfter, lanesOf };
}

it('tries again what it could not do elsewhere, and goes on with the rest', async () => {
  const failures = new Set([roundName(1)]);
  const { runAfter, lanesOf } = await retentionOf(failures);
  expect(await runAfter(0.9)).toEqual([]);
  expect(await runAfter(1.1)).toEqual([`trimmed ${roundName(0)}`]);
  for (const i of [0, 1]) expect(await lanesOf(i)).toEqual([null, 4]);
  failures.clear();
  expect(await runAfter(1.2)).toEqual([`trimmed ${roundName(1)}`]);
  expect(await runAfter(1.3)).toEqual([]);

  failures.add(roundName(0));
  expect(await runAfter(2.1)).toEqual([`deleted ${roundName(1)}`]);
  for (const i of [0, 1]) expect(await lanesOf(i)).toBeUndefined();
  failures.clear();
  expect(await runAfter(2.2)).toEqual([`deleted ${roundName(0)}`]);
  expect(await runAfter(2.3)).toEqual([]);
});
