/**
 * A coordinator's records as rows in PostgreSQL: how they are found, and what they become.
 * Knows: tables and columns. Doesn't know: transactions, what may follow what.
 */
import type { TokenRecord } from '@onlysum/service';
import {
  type Expression,
  expressionBuilder,
  type Kysely,
  type Selectable,
  type SqlBool,
  type Transaction,
} from 'kysely';
import type { CoordinatorTables } from './postgres-schema.js';
import type { CheckedRoundPage } from './record-checks.js';
import type {
  ResultName,
  RoundRecord,
  StoredResult,
  TaskRecord,
  WindowName,
  WindowRecord,
} from './records.js';

type Db = Kysely<CoordinatorTables>;
export type Change = Transaction<CoordinatorTables>;
export type Head = Selectable<CoordinatorTables['coordinator_head']>;

/** Nobody else has it until the transaction ends. */
export function lockedHead(db: Change): Promise<Head> {
  return db.selectFrom('coordinator_head').selectAll().forUpdate().executeTakeFirstOrThrow();
}

export async function findTask(db: Db, taskId: string): Promise<TaskRecord | undefined> {
  const row = await db
    .selectFrom('coordinator_task')
    .selectAll()
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return row === undefined ? undefined : taskRecord(row);
}

export async function findWindow(
  db: Db,
  { taskId, window }: WindowName,
): Promise<WindowRecord | undefined> {
  const row = await db
    .selectFrom('coordinator_window')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('window_index', '=', window)
    .executeTakeFirst();
  return row === undefined ? undefined : windowRecord(row);
}

export async function findToken(db: Db, id: string): Promise<TokenRecord | undefined> {
  const row = await db
    .selectFrom('coordinator_token')
    .select('record')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.record;
}

/** Rounds, and of each whether its result is there. */
export function roundRows(db: Db) {
  return db
    .selectFrom('coordinator_round')
    .select((row) => [
      'outcome',
      'serial',
      row
        .exists(
          row
            .selectFrom('coordinator_result')
            .select('coordinator_result.serial')
            .whereRef('coordinator_result.round', '=', 'coordinator_round.round'),
        )
        .as('has_result'),
    ]);
}

/** Holds for the task's rounds, or results, of a page. */
export function isOnPage(
  taskId: string,
  { window, before }: CheckedRoundPage,
): Expression<SqlBool> {
  const where = expressionBuilder<CoordinatorTables, 'coordinator_round'>();
  const conditions = [where('task_id', '=', taskId)];
  if (window !== undefined) conditions.push(where('window_index', '=', window));
  if (before !== undefined) {
    const place = where.refTuple('window_index', 'serial');
    conditions.push(where(place, '<', where.tuple(before.window, before.serial)));
  }
  return where.and(conditions);
}

type RoundRow = Pick<Selectable<CoordinatorTables['coordinator_round']>, 'outcome' | 'serial'>;

export function roundRecord(row: RoundRow & { readonly has_result: SqlBool }): RoundRecord {
  return { ...row.outcome, serial: row.serial, hasResult: row.has_result === true };
}

export function taskRecord(row: CoordinatorTables['coordinator_task']): TaskRecord {
  const { task_id, name, version, signed_manifest, stopped_reason } = row;
  const task = { taskId: task_id, name, version, signedManifest: signed_manifest };
  if (stopped_reason === null) return { ...task, state: 'open' };
  return { ...task, state: 'stopped', reason: stopped_reason };
}

export function windowRecord(row: CoordinatorTables['coordinator_window']): WindowRecord {
  const { task_id, window_index, deadline_ms, state } = row;
  return { taskId: task_id, window: window_index, deadlineMs: deadline_ms, state };
}

export function resultName(
  row: Omit<CoordinatorTables['coordinator_result'], 'sealed'>,
): ResultName {
  const { task_id, window_index, serial, round, closed_ms, key_id } = row;
  return {
    taskId: task_id,
    window: window_index,
    serial,
    round,
    closedMs: closed_ms,
    keyId: key_id,
  };
}

export function storedResult(row: CoordinatorTables['coordinator_result']): StoredResult {
  return { ...resultName(row), sealed: row.sealed };
}
