/**
 * A coordinator's store in PostgreSQL, for several processes and for whoever keeps backups of one.
 * Invariant: whoever changes something holds the head row until the commit, so changes of all processes
 * happen one after the other, and each sees the ones before.
 */
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type AuditEntry,
  type AuditHead,
  type PostgresConnection,
  type PostgresDatabase,
  type PostgresOptions,
  type TokenRecord,
  extendChain,
  openPostgres,
} from '@onlysum/service';
import type { AuditTrail, CoordinatorStore, Written } from './coordinator-store.js';
import type { ChainContext } from './embedded-store.js';
import { type CoordinatorStoreBackend, guardedStore } from './guarded-store.js';
import {
  type Change,
  type Head,
  findTask,
  findToken,
  findWindow,
  isOnPage,
  lockedHead,
  resultName,
  roundRecord,
  roundRows,
  storedResult,
  taskRecord,
  windowRecord,
} from './postgres-rows.js';
import { type CoordinatorTables, coordinatorSchema } from './postgres-schema.js';
import type { CheckedRoundPage } from './record-checks.js';
import type {
  NewTask,
  NewWindow,
  ResultName,
  RoundClose,
  RoundRecord,
  SealedResult,
  StoredResult,
  TaskRecord,
  TaskState,
  WindowDecision,
  WindowName,
  WindowRecord,
} from './records.js';
import {
  checkReseal,
  closeDigest,
  roundToClose,
  taskStateToSet,
  taskToRecord,
  tokenToPut,
  tokenToRevoke,
  windowToDecide,
  windowToOpen,
} from './store-rules.js';

/**
 * Opens it, and makes or updates its tables.
 *
 * @param context - suite and clock of the audit chain; by default the native one, and the system's.
 * @throws {UsageError} `store-unavailable` if the server cannot be reached or refuses; `store-missing` if
 *   there are no tables and none must be made.
 */
export async function postgresCoordinatorStore(
  connection: PostgresConnection,
  context: Partial<ChainContext> = {},
  options: PostgresOptions = {},
): Promise<CoordinatorStore> {
  const chain = { suite: nativeSuite, now: Date.now, ...context };
  const database = await openPostgres<CoordinatorTables>(connection, coordinatorSchema, options);
  return guardedStore(new PostgresBackend(database, chain));
}

class PostgresBackend implements CoordinatorStoreBackend {
  readonly #database: PostgresDatabase<CoordinatorTables>;
  readonly #context: ChainContext;

  constructor(database: PostgresDatabase<CoordinatorTables>, context: ChainContext) {
    this.#database = database;
    this.#context = context;
  }

  recordTask(task: NewTask, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const written = taskToRecord(await findTask(db, task.taskId), task);
      if (written === 'known') return written;
      const { taskId, name, version, signedManifest } = task;
      const values = { task_id: taskId, name, version, signed_manifest: signedManifest };
      await db
        .insertInto('coordinator_task')
        .values({ ...values, stopped_reason: null })
        .execute();
      return written;
    });
  }

  setTaskState(taskId: string, state: TaskState, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const written = taskStateToSet(await findTask(db, taskId), state);
      if (written === 'known') return written;
      await db
        .updateTable('coordinator_task')
        .set({ stopped_reason: state.state === 'stopped' ? state.reason : null })
        .where('task_id', '=', taskId)
        .execute();
      return written;
    });
  }

  task(taskId: string): Promise<TaskRecord | undefined> {
    return this.#database.query((db) => findTask(db, taskId));
  }

  async tasks(): Promise<readonly TaskRecord[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('coordinator_task').selectAll().execute(),
    );
    return rows.map(taskRecord);
  }

  openWindow(window: NewWindow, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const task = await findTask(db, window.taskId);
      const written = windowToOpen(task, await findWindow(db, window), window);
      if (written === 'known') return written;
      await db
        .insertInto('coordinator_window')
        .values({
          task_id: window.taskId,
          window_index: window.window,
          deadline_ms: window.deadlineMs,
          state: 'open',
        })
        .execute();
      return written;
    });
  }

  decideWindow(name: WindowName, decision: WindowDecision, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const written = windowToDecide(await findWindow(db, name), decision);
      if (written === 'known') return written;
      await db
        .updateTable('coordinator_window')
        .set({ state: decision })
        .where('task_id', '=', name.taskId)
        .where('window_index', '=', name.window)
        .execute();
      return written;
    });
  }

  window(name: WindowName): Promise<WindowRecord | undefined> {
    return this.#database.query((db) => findWindow(db, name));
  }

  async windows(
    taskId: string,
    before: number | undefined,
    limit: number,
  ): Promise<readonly WindowRecord[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('coordinator_window')
        .selectAll()
        .where('task_id', '=', taskId)
        .$if(before !== undefined, (query) => query.where('window_index', '<', before ?? 0))
        .orderBy('window_index', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(windowRecord);
  }

  closeRound(close: RoundClose, audit: AuditTrail): Promise<Written> {
    const { outcome, result } = close;
    const { round, taskId, window, closedMs } = outcome;
    const digest = closeDigest(this.#context.suite, close);
    return this.#change(audit, async (db, head) => {
      const before = await db
        .selectFrom('coordinator_round')
        .select('close_digest')
        .where('round', '=', round)
        .executeTakeFirst();
      const [task, known] = [await findTask(db, taskId), await findWindow(db, outcome)];
      const written = roundToClose(before?.close_digest, digest, task, known, outcome);
      if (written === 'known') return written;
      const serial = head.serial + 1;
      await db.updateTable('coordinator_head').set({ serial }).execute();
      const place = { round, task_id: taskId, window_index: window, serial };
      await db
        .insertInto('coordinator_round')
        .values({ ...place, close_digest: digest, outcome: JSON.stringify(outcome) })
        .execute();
      if (result === undefined) return written;
      await db
        .insertInto('coordinator_result')
        .values({
          ...place,
          closed_ms: closedMs,
          key_id: result.keyId,
          sealed: result.sealed,
        })
        .execute();
      return written;
    });
  }

  async round(round: string): Promise<RoundRecord | undefined> {
    const row = await this.#database.query((db) =>
      roundRows(db).where('round', '=', round).executeTakeFirst(),
    );
    return row === undefined ? undefined : roundRecord(row);
  }

  async rounds(taskId: string, page: CheckedRoundPage): Promise<readonly RoundRecord[]> {
    const rows = await this.#database.query((db) =>
      roundRows(db)
        .where(isOnPage(taskId, page))
        .orderBy('window_index', 'desc')
        .orderBy('serial', 'desc')
        .limit(page.limit)
        .execute(),
    );
    return rows.map(roundRecord);
  }

  async result(round: string): Promise<StoredResult | undefined> {
    const row = await this.#database.query((db) =>
      db.selectFrom('coordinator_result').selectAll().where('round', '=', round).executeTakeFirst(),
    );
    return row === undefined ? undefined : storedResult(row);
  }

  async results(taskId: string, page: CheckedRoundPage): Promise<readonly StoredResult[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('coordinator_result')
        .selectAll()
        .where(isOnPage(taskId, page))
        .orderBy('window_index', 'desc')
        .orderBy('serial', 'desc')
        .limit(page.limit)
        .execute(),
    );
    return rows.map(storedResult);
  }

  async resultsUnderOtherKeys(keyId: string, limit: number): Promise<readonly StoredResult[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('coordinator_result')
        .selectAll()
        .where('key_id', '!=', keyId)
        .orderBy('serial')
        .limit(limit)
        .execute(),
    );
    return rows.map(storedResult);
  }

  async reseal(round: string, from: string, next: SealedResult, audit: AuditTrail): Promise<void> {
    await this.#change(audit, async (db) => {
      const row = await db
        .selectFrom('coordinator_result')
        .select('key_id')
        .where('round', '=', round)
        .executeTakeFirst();
      checkReseal(row?.key_id, from);
      await db
        .updateTable('coordinator_result')
        .set({ key_id: next.keyId, sealed: next.sealed })
        .where('round', '=', round)
        .execute();
      return 'written';
    });
  }

  deleteResults(
    taskId: string,
    olderThanMs: number,
    audit: (deleted: readonly ResultName[]) => AuditTrail,
    limit: number,
  ): Promise<readonly ResultName[]> {
    return this.#database.transact(async (db) => {
      const head = await lockedHead(db);
      const rows = await db
        .selectFrom('coordinator_result')
        .select(['round', 'task_id', 'window_index', 'serial', 'closed_ms', 'key_id'])
        .where('task_id', '=', taskId)
        .where('closed_ms', '<', olderThanMs)
        .orderBy('closed_ms')
        .orderBy('serial')
        .limit(limit)
        .execute();
      if (rows.length === 0) return [];
      const rounds = rows.map(({ round }) => round);
      await db.deleteFrom('coordinator_result').where('round', 'in', rounds).execute();
      const deleted = rows.map(resultName);
      await this.#append(db, head, audit(deleted));
      return deleted;
    });
  }

  async appendAudit(audit: AuditTrail): Promise<void> {
    await this.#change(audit, async () => 'written');
  }

  auditHead(): Promise<AuditHead> {
    return this.#database.query((db) =>
      db.selectFrom('coordinator_head').select(['sequence', 'digest']).executeTakeFirstOrThrow(),
    );
  }

  async auditEntries(after: number, limit: number): Promise<readonly AuditEntry[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('coordinator_audit')
        .select('entry')
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ entry }) => entry);
  }

  async latestAuditEntries(
    before: number | undefined,
    limit: number,
  ): Promise<readonly AuditEntry[]> {
    const rows = await this.#database.query((db) =>
      db
        .selectFrom('coordinator_audit')
        .select('entry')
        .$if(before !== undefined, (query) => query.where('sequence', '<', before ?? 0))
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ entry }) => entry);
  }

  putToken(token: TokenRecord, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const written = tokenToPut(await findToken(db, token.id), token);
      if (written === 'known') return written;
      const values = { id: token.id, record: JSON.stringify(token) };
      await db.insertInto('coordinator_token').values(values).execute();
      return written;
    });
  }

  token(id: string): Promise<TokenRecord | undefined> {
    return this.#database.query((db) => findToken(db, id));
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    const rows = await this.#database.query((db) =>
      db.selectFrom('coordinator_token').select('record').execute(),
    );
    return rows.map(({ record }) => record);
  }

  revokeToken(id: string, revokedMs: number, audit: AuditTrail): Promise<Written> {
    return this.#change(audit, async (db) => {
      const token = await findToken(db, id);
      const written = tokenToRevoke(token);
      if (written === 'known') return written;
      await db
        .updateTable('coordinator_token')
        .set({ record: JSON.stringify({ ...token, revokedMs }) })
        .where('id', '=', id)
        .execute();
      return written;
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #change(audit: AuditTrail, run: (db: Change, head: Head) => Promise<Written>): Promise<Written> {
    return this.#database.transact(async (db) => {
      const head = await lockedHead(db);
      const written = await run(db, head);
      if (written === 'written') await this.#append(db, head, audit);
      return written;
    });
  }

  async #append(db: Change, head: AuditHead, audit: AuditTrail): Promise<void> {
    const { suite, now } = this.#context;
    const chain = extendChain(suite, head, audit, now);
    const rows = chain.entries.map((entry) => {
      return { sequence: entry.sequence, entry: JSON.stringify(entry) };
    });
    await db.insertInto('coordinator_audit').values(rows).execute();
    await db.updateTable('coordinator_head').set(chain.head).execute();
  }
}
