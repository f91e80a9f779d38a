/** What every `CoordinatorStore` must do, whatever keeps its bytes. */
import type {
  AuditTrail,
  CoordinatorStore,
  ResultName,
  RoundClose,
  RoundPage,
  RoundPlace,
  TaskState,
  WindowDecision,
} from '@onlysum/coordinator';
import { nativeSuite } from '@onlysum/crypto/node';
import { EMPTY_HEAD, type TokenRecord, verifyChain } from '@onlysum/service';
import { describe, expect, it } from 'vitest';
import {
  OTHER_TASK,
  TASK,
  TOKEN,
  abortedRound,
  openedClose,
  openedRound,
  roundName,
  sealedResult,
  trail,
} from './coordinator-records.js';

export interface OpenedCoordinatorStore {
  readonly store: CoordinatorStore;
  /** Opens the same records once more, beside the first or after it; absent if nothing is kept. */
  readonly another?: () => Promise<CoordinatorStore>;
}

const WINDOW = { taskId: TASK.taskId, window: 7 };
const STOPPED: TaskState = { state: 'stopped', reason: 'a wrong manifest' };

/** @param open - a fresh, empty store for each test. */
export function coordinatorStoreContract(
  name: string,
  open: () => Promise<OpenedCoordinatorStore>,
): void {
  describe(`CoordinatorStore contract: ${name}`, () => {
    const withStore =
      (
        run: (store: CoordinatorStore, another?: () => Promise<CoordinatorStore>) => Promise<void>,
      ) =>
      async () => {
        const { store, another } = await open();
        try {
          await run(store, another);
        } finally {
          await store.close();
        }
      };

    describe('tasks', () => {
      it(
        'are open once recorded, by name and version',
        withStore(async (store) => {
          expect(await store.tasks()).toEqual([]);
          expect(await store.recordTask(TASK, trail('task'))).toBe('written');
          expect(await store.recordTask(OTHER_TASK, trail('task'))).toBe('written');
          expect(await store.tasks()).toStrictEqual([
            { ...OTHER_TASK, state: 'open' },
            { ...TASK, state: 'open' },
          ]);
          expect(await store.task(TASK.taskId)).toStrictEqual({ ...TASK, state: 'open' });
          expect(await store.task(roundName(0).repeat(2))).toBeUndefined();
        }),
      );

      it(
        'stay stopped when they are recorded again, until they are opened again',
        withStore(async (store) => {
          await store.recordTask(TASK, trail('task'));
          expect(await store.setTaskState(TASK.taskId, STOPPED, trail('stop'))).toBe('written');
          expect(await store.setTaskState(TASK.taskId, STOPPED, trail('stop'))).toBe('known');
          expect(await store.recordTask(TASK, trail('task'))).toBe('known');
          expect(await store.task(TASK.taskId)).toStrictEqual({ ...TASK, ...STOPPED });
          const other = { ...STOPPED, reason: 'another' };
          expect(await store.setTaskState(TASK.taskId, other, trail('stop'))).toBe('written');
          expect(await store.task(TASK.taskId)).toStrictEqual({ ...TASK, ...other });
          await store.setTaskState(TASK.taskId, { state: 'open' }, trail('open'));
          expect(await store.tasks()).toStrictEqual([{ ...TASK, state: 'open' }]);
        }),
      );

      it(
        'keep their manifest, and must be there to be stopped',
        withStore(async (store) => {
          await store.recordTask(TASK, trail('task'));
          const other = store.recordTask({ ...TASK, signedManifest: '{}' }, trail('task'));
          await expect(other).rejects.toMatchObject({ code: 'store-conflict', field: 'task' });
          const none = store.setTaskState(OTHER_TASK.taskId, STOPPED, trail('stop'));
          await expect(none).rejects.toMatchObject({ code: 'record-missing', field: 'task' });
          expect(await store.task(TASK.taskId)).toStrictEqual({ ...TASK, state: 'open' });
        }),
      );
    });

    describe('windows', () => {
      it(
        'are opened once and decided once',
        withStore(async (store) => {
          await store.recordTask(TASK, trail('task'));
          const window = { ...WINDOW, deadlineMs: 1_800_000_000_000 };
          const decide = (decision: WindowDecision) =>
            store.decideWindow(WINDOW, decision, trail('decide'));
          await expect(decide('closed')).rejects.toMatchObject({ code: 'record-missing' });
          expect(await store.window(WINDOW)).toBeUndefined();
          expect(await store.openWindow(window, trail('window'))).toBe('written');
          expect(await store.openWindow(window, trail('window'))).toBe('known');
          expect(await store.window(WINDOW)).toStrictEqual({ ...window, state: 'open' });
          const other = store.openWindow({ ...window, deadlineMs: 1 }, trail('window'));
          await expect(other).rejects.toMatchObject({ code: 'store-conflict', field: 'window' });
          expect(await decide('too-few')).toBe('written');
          expect(await decide('too-few')).toBe('known');
          await expect(decide('closed')).rejects.toMatchObject({ code: 'window-decided' });
          const again = store.openWindow(window, trail('window'));
          await expect(again).rejects.toMatchObject({ code: 'window-decided' });
          expect(await store.window(WINDOW)).toStrictEqual({ ...window, state: 'too-few' });
        }),
      );

      it(
        'need a task that is not stopped',
        withStore(async (store) => {
          const window = { ...WINDOW, deadlineMs: 1 };
          const openIt = () => store.openWindow(window, trail('window'));
          await expect(openIt()).rejects.toMatchObject({ code: 'record-missing', field: 'task' });
          await store.recordTask(TASK, trail('task'));
          await store.setTaskState(TASK.taskId, STOPPED, trail('stop'));
          await expect(openIt()).rejects.toMatchObject({ code: 'task-stopped' });
          expect(await store.windows(TASK.taskId)).toEqual([]);
        }),
      );

      it(
        'come newest first, page by page, of their own task',
        withStore(async (store) => {
          await recordTasks(store);
          // As texts, 10 would stand before 9.
          for (const window of [9, 100, 10]) await openWindow(store, window);
          await openWindow(store, 11, OTHER_TASK);
          const numbers = async (page?: { before?: number; limit?: number }) =>
            (await store.windows(TASK.taskId, page)).map(({ window }) => window);
          expect(await numbers()).toEqual([100, 10, 9]);
          expect(await numbers({ limit: 2 })).toEqual([100, 10]);
          expect(await numbers({ before: 10 })).toEqual([9]);
        }),
      );
    });

    describe('rounds', () => {
      it(
        'are kept with what they opened',
        withStore(async (store) => {
          await prepare(store);
          const close = openedClose(1);
          expect(await store.closeRound(close, trail('close'))).toBe('written');
          const round = await store.round(roundName(1));
          const serial = round?.serial;
          expect(round).toStrictEqual({ ...close.outcome, serial, hasResult: true });
          expect(await store.rounds(TASK.taskId)).toStrictEqual([round]);
          const result = await store.result(roundName(1));
          const { closedMs } = close.outcome;
          // Strict: a Buffer in the place of a Uint8Array would slice without copying.
          expect(result).toStrictEqual({
            ...WINDOW,
            serial,
            round: roundName(1),
            closedMs,
            ...close.result,
          });
          expect(await store.results(TASK.taskId)).toStrictEqual([result]);
        }),
      );

      it(
        'that aborted have a reason and no result',
        withStore(async (store) => {
          await prepare(store);
          const outcome = abortedRound(1);
          const { attested: _, detail: __, ...bare } = abortedRound(2);
          expect(await store.closeRound({ outcome }, trail('close'))).toBe('written');
          expect(await store.closeRound({ outcome: bare }, trail('close'))).toBe('written');
          expect(await store.round(roundName(1))).toStrictEqual({
            ...outcome,
            serial: expect.any(Number),
            hasResult: false,
          });
          expect(await store.round(roundName(2))).toMatchObject(bare);
          expect(await store.result(roundName(1))).toBeUndefined();
          expect(await store.results(TASK.taskId)).toEqual([]);
        }),
      );

      it(
        'end once: the same close again is known, another is refused',
        withStore(async (store) => {
          await prepare(store);
          const close = openedClose(1);
          await store.closeRound(close, trail('close'));
          expect(await store.closeRound(openedClose(1), trail('close'))).toBe('known');
          const others: RoundClose[] = [
            { outcome: abortedRound(1) },
            { outcome: openedRound(1), result: sealedResult(2) },
            { outcome: openedRound(1), result: sealedResult(1, 'key-2') },
            { outcome: { ...openedRound(1), survivors: 16 }, result: sealedResult(1) },
            { outcome: openedRound(1, 8), result: sealedResult(1) },
          ];
          for (const other of others) {
            const refused = store.closeRound(other, trail('close'));
            await expect(refused).rejects.toMatchObject({ code: 'store-conflict', field: 'round' });
          }
          expect(await store.round(roundName(1))).toMatchObject(close.outcome);
          expect(await store.result(roundName(1))).toMatchObject({ ...close.result });
          expect(await store.rounds(TASK.taskId)).toHaveLength(1);
          expect((await store.auditHead()).sequence).toBe(PREPARED + 1);
        }),
      );

      it(
        'end once also when many say so at once',
        withStore(async (store) => {
          await prepare(store);
          const closes = Array.from({ length: 24 }, (_, i) =>
            store.closeRound(
              { outcome: openedRound(1), result: sealedResult(Math.floor(i / 2)) },
              trail('close'),
            ),
          );
          const settled = await Promise.allSettled(closes);
          const count = (value: unknown) =>
            settled.filter((one) => one.status === 'fulfilled' && one.value === value).length;
          expect([count('written'), count('known')]).toEqual([1, 1]);
          for (const one of settled) {
            if (one.status === 'rejected') {
              expect(one.reason).toMatchObject({ code: 'store-conflict' });
            }
          }
          expect(await store.rounds(TASK.taskId)).toHaveLength(1);
          expect((await store.auditHead()).sequence).toBe(PREPARED + 1);
        }),
      );

      it(
        'need their window, and are refused once it is decided',
        withStore(async (store) => {
          await recordTasks(store);
          const close = (number: number) => store.closeRound(openedClose(number), trail('close'));
          await expect(close(1)).rejects.toMatchObject({ code: 'record-missing', field: 'window' });
          await openWindow(store, 7);
          await close(1);
          await store.decideWindow(WINDOW, 'closed', trail('decide'));
          expect(await close(1)).toBe('known');
          await expect(close(2)).rejects.toMatchObject({ code: 'window-decided' });
          const aborted = store.closeRound({ outcome: abortedRound(3) }, trail('close'));
          await expect(aborted).rejects.toMatchObject({ code: 'window-decided' });
          expect(await store.rounds(TASK.taskId)).toHaveLength(1);
          expect(await store.results(TASK.taskId)).toHaveLength(1);
        }),
      );

      it(
        'of a stopped task may end, but not open',
        withStore(async (store) => {
          await prepare(store);
          await store.setTaskState(TASK.taskId, STOPPED, trail('stop'));
          const opened = store.closeRound(openedClose(1), trail('close'));
          await expect(opened).rejects.toMatchObject({ code: 'task-stopped' });
          expect(await store.round(roundName(1))).toBeUndefined();
          expect(await store.closeRound({ outcome: abortedRound(1) }, trail('close'))).toBe(
            'written',
          );
        }),
      );

      it(
        'and results come newest first, page by page, by task and by window',
        withStore(async (store) => {
          await recordTasks(store);
          for (const window of [9, 10]) await openWindow(store, window);
          await openWindow(store, 9, OTHER_TASK);
          // Closed in this order; an earlier window's round may come later.
          await store.closeRound(openedClose(5, 9), trail('close'));
          await store.closeRound(openedClose(4, 10), trail('close'));
          await store.closeRound(openedClose(3, 9), trail('close'));
          await store.closeRound(openedClose(2, 9, OTHER_TASK), trail('close'));
          const lists = [
            (page?: RoundPage) => store.rounds(TASK.taskId, page),
            (page?: RoundPage) => store.results(TASK.taskId, page),
          ];
          for (const list of lists) {
            const page = async (options?: RoundPage) =>
              (await list(options)).map(({ round }) => Number(round));
            expect(await page()).toEqual([4, 3, 5]);
            expect(await page({ window: 9 })).toEqual([3, 5]);
            expect(await page({ window: 8 })).toEqual([]);
            const seen: number[] = [];
            let before: RoundPlace | undefined;
            for (let i = 0; i < 4; i++) {
              const next = before === undefined ? { limit: 1 } : { limit: 1, before };
              const [last] = await list(next);
              if (last === undefined) break;
              seen.push(Number(last.round));
              before = last;
            }
            expect(seen).toEqual([4, 3, 5]);
            const [, middle] = await list();
            expect(await page({ window: 9, before: middle! })).toEqual([5]);
          }
        }),
      );
    });

    describe('results', () => {
      it(
        'are sealed under another key once, by who knows the present one',
        withStore(async (store) => {
          await prepare(store);
          for (const number of [1, 2, 3]) {
            await store.closeRound(openedClose(number), trail('close'));
          }
          const next = sealedResult(9, 'key-2');
          await store.reseal(roundName(1), 'key-1', next, trail('reseal'));
          expect(await store.result(roundName(1))).toMatchObject({ ...next });
          const again = store.reseal(roundName(1), 'key-1', sealedResult(8, 'key-3'), trail('r'));
          await expect(again).rejects.toMatchObject({ code: 'store-conflict', field: 'result' });
          const none = store.reseal(roundName(7), 'key-1', next, trail('reseal'));
          await expect(none).rejects.toMatchObject({ code: 'record-missing', field: 'result' });
          expect(await store.result(roundName(1))).toMatchObject({ ...next });
          // What was closed stays closed as it was.
          expect(await store.closeRound(openedClose(1), trail('close'))).toBe('known');
          const left = await store.resultsUnderOtherKeys('key-2');
          expect(left.map(({ round }) => round).toSorted()).toEqual([roundName(2), roundName(3)]);
          expect(left[0]).toMatchObject({ ...sealedResult(Number(left[0]?.round)) });
          expect(await store.resultsUnderOtherKeys('key-2', { limit: 1 })).toHaveLength(1);
          expect(await store.resultsUnderOtherKeys('key-1')).toHaveLength(1);
        }),
      );

      it(
        'go to one of many who seal them anew at once',
        withStore(async (store) => {
          await prepare(store);
          await store.closeRound(openedClose(1), trail('close'));
          const settled = await Promise.allSettled(
            Array.from({ length: 12 }, (_, i) =>
              store.reseal(roundName(1), 'key-1', sealedResult(i, `key-2.${i}`), trail('reseal')),
            ),
          );
          const won = settled.flatMap((one, i) => (one.status === 'fulfilled' ? [i] : []));
          expect(won).toHaveLength(1);
          const winner = sealedResult(won[0]!, `key-2.${won[0]}`);
          expect(await store.result(roundName(1))).toMatchObject({ ...winner });
        }),
      );

      it(
        'are deleted by age, the oldest first, and their rounds stay',
        withStore(async (store) => {
          await prepare(store);
          await openWindow(store, 7, OTHER_TASK);
          for (const number of [3, 2, 1]) {
            await store.closeRound(openedClose(number), trail('close'));
          }
          await store.closeRound(openedClose(0, 7, OTHER_TASK), trail('close'));
          const { closedMs } = openedRound(3);
          const told: (readonly ResultName[])[] = [];
          const remove = (limit: number, olderThanMs = closedMs) =>
            store.deleteResults(
              TASK.taskId,
              olderThanMs,
              (deleted) => (told.push(deleted), trail('delete', String(deleted.length))),
              { limit },
            );
          const numbers = (names: readonly ResultName[]) => names.map(({ round }) => Number(round));
          const before = await store.auditHead();
          expect(await remove(10, closedMs - 2)).toEqual([]);
          expect([told, await store.auditHead()]).toEqual([[], before]);
          const first = await remove(1);
          expect(numbers(first)).toEqual([1]);
          const { serial } = (await store.round(roundName(1)))!;
          const { keyId } = sealedResult(1);
          expect(first).toStrictEqual([
            { ...WINDOW, serial, round: roundName(1), closedMs: closedMs - 2, keyId },
          ]);
          expect(numbers(await remove(10))).toEqual([2]);
          expect(told.map(numbers)).toEqual([[1], [2]]);
          expect(numbers(await store.results(TASK.taskId))).toEqual([3]);
          expect(await store.results(OTHER_TASK.taskId)).toHaveLength(1);
          expect(await store.result(roundName(1))).toBeUndefined();
          expect(await store.round(roundName(1))).toMatchObject({
            ...openedRound(1),
            hasResult: false,
          });
          expect(await store.closeRound(openedClose(1), trail('close'))).toBe('known');
          expect(await store.result(roundName(1))).toBeUndefined();
          expect((await store.auditHead()).sequence).toBe(before.sequence + 2);
        }),
      );

      it(
        'stay when the audit of their deletion fails',
        withStore(async (store) => {
          await prepare(store);
          await store.closeRound(openedClose(1), trail('close'));
          const failure = new RangeError('no');
          const failing = store.deleteResults(TASK.taskId, Number.MAX_SAFE_INTEGER, () => {
            throw failure;
          });
          await expect(failing).rejects.toBe(failure);
          expect(await store.results(TASK.taskId)).toHaveLength(1);
        }),
      );

      it(
        'share no memory with their callers',
        withStore(async (store) => {
          await prepare(store);
          const given = sealedResult(1);
          await store.closeRound({ outcome: openedRound(1), result: given }, trail('close'));
          given.sealed[0] = 99;
          const got = (await store.result(roundName(1)))!;
          expect(got.sealed).toEqual(sealedResult(1).sealed);
          got.sealed[1] = 99;
          expect((await store.result(roundName(1)))?.sealed).toEqual(sealedResult(1).sealed);
        }),
      );
    });

    describe('the audit chain', () => {
      it(
        'says of every change what its caller said, and nothing of what changed nothing',
        withStore(async (store) => {
          expect(await store.auditHead()).toEqual(EMPTY_HEAD);
          await store.recordTask(TASK, trail('a'));
          await store.recordTask(TASK, trail('not'));
          await openWindow(store, 7, TASK, trail('b'));
          await store.closeRound(openedClose(1), [...trail('c'), ...trail('d')]);
          await store.closeRound(openedClose(1), trail('not'));
          await store.reseal(roundName(1), 'key-1', sealedResult(1, 'key-2'), trail('e'));
          await store.deleteResults(TASK.taskId, Number.MAX_SAFE_INTEGER, () => trail('f'));
          await store.decideWindow(WINDOW, 'closed', trail('g'));
          await store.decideWindow(WINDOW, 'closed', trail('not'));
          const refused = store.decideWindow(WINDOW, 'too-few', trail('not'));
          await expect(refused).rejects.toThrow();
          await store.setTaskState(TASK.taskId, STOPPED, trail('h'));
          await store.putToken(TOKEN, trail('i'));
          await store.revokeToken(TOKEN.id, 1, trail('j'));
          await store.appendAudit(trail('k', 'γ'));
          const entries = await store.auditEntries();
          expect(entries.map(({ action }) => action).join('')).toBe('abcdefghijk');
          expect(entries.at(-1)).toMatchObject(trail('k', 'γ')[0]);
          await expectChain(store);
        }),
      );

      it(
        'is read oldest first, page by page',
        withStore(async (store) => {
          for (let i = 1; i <= 12; i++) await store.appendAudit(trail('one', String(i)));
          const page = async (options?: { after?: number; limit?: number }) =>
            (await store.auditEntries(options)).map(({ sequence }) => sequence);
          expect(await page({ limit: 3 })).toEqual([1, 2, 3]);
          expect(await page({ after: 8, limit: 3 })).toEqual([9, 10, 11]);
          expect(await page({ after: 12 })).toEqual([]);
        }),
      );

      it(
        'is read newest first, page by page',
        withStore(async (store) => {
          expect(await store.latestAuditEntries()).toEqual([]);
          for (let i = 1; i <= 12; i++) await store.appendAudit(trail('one', String(i)));
          const page = async (options?: { before?: number; limit?: number }) =>
            (await store.latestAuditEntries(options)).map(({ sequence }) => sequence);
          expect(await page({ limit: 3 })).toEqual([12, 11, 10]);
          expect(await page({ before: 10, limit: 3 })).toEqual([9, 8, 7]);
          expect(await page({ before: 3 })).toEqual([2, 1]);
          expect(await page({ before: 1 })).toEqual([]);
          expect(await store.latestAuditEntries()).toEqual(
            (await store.auditEntries()).toReversed(),
          );
        }),
      );

      it(
        'has no gap and no fork when many append at once, through one handle or several',
        withStore(async (store, another) => {
          const others = another === undefined ? [] : [await another(), await another()];
          const handles = [store, ...others];
          const appending = Array.from({ length: 30 }, async (_, i) => {
            await Promise.resolve();
            await handles[i % handles.length]!.appendAudit(trail('one', String(i)));
          });
          await Promise.all(appending);
          for (const handle of handles) {
            expect((await handle.auditHead()).sequence).toBe(30);
            await expectChain(handle);
          }
          const entries = await store.auditEntries();
          expect(new Set(entries.map(({ subject }) => subject)).size).toBe(30);
          for (const other of others) await other.close();
        }),
      );

      it(
        'takes no change without an event',
        withStore(async (store) => {
          const none = [] as unknown as AuditTrail;
          const refusal = { code: 'argument-invalid', field: 'audit' };
          await expect(store.recordTask(TASK, none)).rejects.toMatchObject(refusal);
          await expect(store.appendAudit(none)).rejects.toMatchObject(refusal);
          await prepare(store);
          await store.closeRound(openedClose(1), trail('close'));
          const deleting = store.deleteResults(TASK.taskId, Number.MAX_SAFE_INTEGER, () => none);
          await expect(deleting).rejects.toMatchObject(refusal);
          expect(await store.results(TASK.taskId)).toHaveLength(1);
        }),
      );
    });

    describe('tokens', () => {
      it(
        'are put, listed and revoked once',
        withStore(async (store) => {
          const second: TokenRecord = { ...TOKEN, id: 'tok_0', tasks: 'all' };
          expect(await store.token(TOKEN.id)).toBeUndefined();
          expect(await store.putToken(TOKEN, trail('put'))).toBe('written');
          expect(await store.putToken(second, trail('put'))).toBe('written');
          expect(await store.putToken(TOKEN, trail('put'))).toBe('known');
          expect(await store.token(TOKEN.id)).toStrictEqual(TOKEN);
          expect(await store.tokens()).toStrictEqual([second, TOKEN]);
          const other = store.putToken({ ...TOKEN, role: 'operator' }, trail('put'));
          await expect(other).rejects.toMatchObject({ code: 'store-conflict', field: 'token' });
          expect(await store.revokeToken(TOKEN.id, 5, trail('revoke'))).toBe('written');
          expect(await store.revokeToken(TOKEN.id, 6, trail('revoke'))).toBe('known');
          expect(await store.token(TOKEN.id)).toStrictEqual({ ...TOKEN, revokedMs: 5 });
          // Not brought back to life by whoever puts it again.
          const again = store.putToken(TOKEN, trail('put'));
          await expect(again).rejects.toMatchObject({ code: 'store-conflict' });
          const none = store.revokeToken('tok_9', 5, trail('revoke'));
          await expect(none).rejects.toMatchObject({ code: 'record-missing', field: 'token' });
          expect(await store.token('tok_0')).toStrictEqual(second);
        }),
      );
    });

    describe('what cannot be a record', () => {
      const close = (change: object): RoundClose => ({
        outcome: { ...openedRound(1), ...change },
        result: sealedResult(1),
      });
      const opened = openedRound(1);
      const cases: [field: string, (store: CoordinatorStore) => Promise<unknown>][] = [
        ['taskId', (s) => s.task('A1'.repeat(32))],
        ['taskId', (s) => s.rounds('../'.repeat(21))],
        ['round', (s) => s.round('1')],
        ['name', (s) => s.recordTask({ ...TASK, name: 'a\0b' }, trail('t'))],
        ['version', (s) => s.recordTask({ ...TASK, version: 1.5 }, trail('t'))],
        ['signedManifest', (s) => s.recordTask({ ...TASK, signedManifest: '\ud800' }, trail('t'))],
        ['window', (s) => s.window({ ...WINDOW, window: -1 })],
        ['limit', (s) => s.windows(TASK.taskId, { limit: 1_001 })],
        ['limit', (s) => s.auditEntries({ limit: 0 })],
        ['before', (s) => s.latestAuditEntries({ before: -1 })],
        ['limit', (s) => s.latestAuditEntries({ limit: 1_001 })],
        ['result', (s) => s.closeRound({ outcome: opened } as unknown as RoundClose, trail('c'))],
        [
          'result',
          (s) =>
            s.closeRound(
              { outcome: abortedRound(1), result: sealedResult(1) } as unknown as RoundClose,
              trail('c'),
            ),
        ],
        ['outcome.survivors', (s) => s.closeRound(close({ survivors: -1 }), trail('c'))],
        [
          'outcome',
          (s) =>
            s.closeRound(close({ drops: [{ stage: 'a\0', code: 'left', count: 1 }] }), trail('c')),
        ],
        ['result.keyId', (s) => s.reseal(roundName(1), 'k', sealedResult(1, 'a/b'), trail('r'))],
        ['id', (s) => s.token('a/b')],
        ['audit', (s) => s.appendAudit([{ ...trail('a')[0], details: { text: 'a\0' } }])],
      ];
      it.each(cases)('is refused: %s (%#)', async (field, call) => {
        const { store } = await open();
        try {
          await prepare(store);
          const refusal = { code: 'argument-invalid', field };
          await expect(call(store)).rejects.toMatchObject(refusal);
          expect(await store.rounds(TASK.taskId)).toEqual([]);
        } finally {
          await store.close();
        }
      });

      it(
        'is left out: a field that no record has',
        withStore(async (store) => {
          await prepare(store);
          const secret = { pseudonyms: ['aa'], vector: [1, 2] };
          const outcome = {
            ...opened,
            ...secret,
            cost: { ...opened.cost, ...secret },
            drops: opened.drops.map((drop) => ({ ...drop, ...secret })),
            attested: { ...opened.attested, ...secret },
          };
          await store.closeRound({ outcome, result: sealedResult(1) }, trail('close'));
          expect(await store.round(roundName(1))).toStrictEqual({
            ...opened,
            serial: expect.any(Number),
            hasResult: true,
          });
          await store.appendAudit([{ ...trail('a')[0], ...secret }]);
          expect(JSON.stringify(await store.auditEntries())).not.toContain('vector');
        }),
      );
    });

    it('ends what is under way before it closes, and refuses everything afterwards', async () => {
      const { store, another } = await open();
      await prepare(store);
      const under = Array.from({ length: 12 }, (_, i) =>
        store.closeRound(openedClose(i), trail('close')),
      );
      await store.close();
      await store.close();
      expect(new Set(await Promise.all(under))).toEqual(new Set(['written']));
      const closed = { code: 'store-closed' };
      await expect(store.task(TASK.taskId)).rejects.toMatchObject(closed);
      await expect(store.closeRound(openedClose(1), trail('c'))).rejects.toMatchObject(closed);
      await expect(store.auditHead()).rejects.toMatchObject(closed);
      if (another === undefined) return;
      const again = await another();
      expect(await again.rounds(TASK.taskId)).toHaveLength(12);
      await again.close();
    });

    it('has everything again after it was reopened, if it keeps bytes at all', async (context) => {
      const { store, another } = await open();
      await prepare(store);
      await store.closeRound(openedClose(1), trail('close'));
      await store.putToken(TOKEN, trail('token'));
      const refused = store.closeRound({ outcome: abortedRound(1) }, trail('close'));
      await expect(refused).rejects.toThrow();
      const read = async (from: CoordinatorStore) => [
        await from.tasks(),
        await from.windows(TASK.taskId),
        await from.rounds(TASK.taskId),
        await from.results(TASK.taskId),
        await from.tokens(),
        await from.auditEntries(),
        await from.auditHead(),
      ];
      const before = await read(store);
      await store.close();
      if (another === undefined) return context.skip('it keeps nothing');
      const again = await another();
      expect(await read(again)).toStrictEqual(before);
      // Nor does it begin again where something stands.
      expect(await again.closeRound(openedClose(1), trail('close'))).toBe('known');
      await again.closeRound(openedClose(2), trail('close'));
      const [newest, older] = await again.rounds(TASK.taskId);
      expect([newest?.round, older?.round]).toEqual([roundName(2), roundName(1)]);
      await expectChain(again);
      await again.close();
    });

    it('is one record for all that have it open', async (context) => {
      const { store, another } = await open();
      if (another === undefined) {
        await store.close();
        return context.skip('it is not shared');
      }
      const other = await another();
      await prepare(store);
      await other.closeRound(openedClose(1), trail('close'));
      expect(await store.round(roundName(1))).toMatchObject({ hasResult: true });
      const both = await Promise.allSettled(
        [store, other].map((one, i) =>
          one.closeRound(
            { outcome: openedRound(2), result: sealedResult(i) },
            trail('close', String(i)),
          ),
        ),
      );
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      await store.setTaskState(TASK.taskId, STOPPED, trail('stop'));
      const stopped = other.closeRound(openedClose(3), trail('close'));
      await expect(stopped).rejects.toMatchObject({ code: 'task-stopped' });
      await expectChain(other);
      await other.close();
      await store.close();
    });
  });
}

/** What `prepare` appends to the chain. */
const PREPARED = 4;

/** Both tasks, and windows 7 and 8 of the first. */
async function prepare(store: CoordinatorStore): Promise<void> {
  await recordTasks(store);
  for (const window of [7, 8]) await openWindow(store, window);
}

async function recordTasks(store: CoordinatorStore): Promise<void> {
  for (const task of [TASK, OTHER_TASK]) await store.recordTask(task, trail('task'));
}

async function openWindow(
  store: CoordinatorStore,
  window: number,
  { taskId } = TASK,
  audit = trail('window'),
): Promise<void> {
  await store.openWindow({ taskId, window, deadlineMs: 1_800_000_000_000 }, audit);
}

async function expectChain(store: CoordinatorStore): Promise<void> {
  const entries = await store.auditEntries({ limit: 1_000 });
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
  const verified = verifyChain(nativeSuite, entries);
  expect(verified).toEqual({ head: await store.auditHead(), fault: undefined });
}
