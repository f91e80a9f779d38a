/**
 * The coordinator's tables in PostgreSQL. A migration is never changed once it was published: add one.
 * Times are Unix ms; names are hex; all numbers are below 2^53.
 */
import type { AuditEntry, TokenRecord } from '@onlysum/service';
import { type ColumnType, type Kysely, sql } from 'kysely';
import type { RoundOutcome, WindowRecord } from './records.js';

/** Selected as an object, written as text. */
type Json<T> = ColumnType<T, string, string>;

export interface CoordinatorTables {
  /** One row. Whoever locks it may write: so neither the chain nor a decision can fork. */
  readonly coordinator_head: {
    /** Of the audit chain. */
    readonly sequence: number;
    readonly digest: string;
    /** Of the round closed last. */
    readonly serial: number;
  };
  readonly coordinator_task: {
    readonly task_id: string;
    readonly name: string;
    readonly version: number;
    readonly signed_manifest: string;
    /** Null while the task is open. */
    readonly stopped_reason: string | null;
  };
  readonly coordinator_window: {
    readonly task_id: string;
    readonly window_index: number;
    readonly deadline_ms: number;
    readonly state: WindowRecord['state'];
  };
  readonly coordinator_round: {
    readonly round: string;
    readonly task_id: string;
    readonly window_index: number;
    readonly serial: number;
    /** What tells this close from another. */
    readonly close_digest: string;
    readonly outcome: Json<RoundOutcome>;
  };
  readonly coordinator_result: {
    readonly round: string;
    readonly task_id: string;
    readonly window_index: number;
    readonly serial: number;
    readonly closed_ms: number;
    readonly key_id: string;
    readonly sealed: Uint8Array;
  };
  readonly coordinator_audit: {
    readonly sequence: number;
    readonly entry: Json<AuditEntry>;
  };
  readonly coordinator_token: {
    readonly id: string;
    readonly record: Json<TokenRecord>;
  };
}

export const coordinatorSchema = {
  name: 'coordinator',
  migrations: {
    '1-records': {
      up: async (db: Kysely<unknown>) => {
        await makeHead(db);
        await makeTasksAndWindows(db);
        await makeRoundsAndResults(db);
        await makeAuditAndTokens(db);
      },
    },
  },
};

async function makeHead(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('coordinator_head')
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('serial', 'bigint', (column) => column.notNull())
    .execute();
  // No second row: two processes would lock one each.
  await sql`create unique index coordinator_head_single on coordinator_head ((true))`.execute(db);
  await sql`insert into coordinator_head values (0, repeat('0', 64), 0)`.execute(db);
}

async function makeTasksAndWindows(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('coordinator_task')
    .addColumn('task_id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('signed_manifest', 'text', (column) => column.notNull())
    .addColumn('stopped_reason', 'text')
    .execute();
  await db.schema
    .createTable('coordinator_window')
    .addColumn('task_id', 'text', (column) => column.references('coordinator_task.task_id'))
    .addColumn('window_index', 'bigint')
    .addColumn('deadline_ms', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('coordinator_window_key', ['task_id', 'window_index'])
    .execute();
}

async function makeRoundsAndResults(db: Kysely<unknown>): Promise<void> {
  const place = ['task_id', 'window_index', 'serial'];
  await db.schema
    .createTable('coordinator_round')
    .addColumn('round', 'text', (column) => column.primaryKey())
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('window_index', 'bigint', (column) => column.notNull())
    .addColumn('serial', 'bigint', (column) => column.notNull().unique())
    .addColumn('close_digest', 'text', (column) => column.notNull())
    .addColumn('outcome', 'jsonb', (column) => column.notNull())
    .addForeignKeyConstraint(
      'coordinator_round_window',
      ['task_id', 'window_index'],
      'coordinator_window',
      ['task_id', 'window_index'],
    )
    .execute();
  await db.schema
    .createIndex('coordinator_round_place')
    .on('coordinator_round')
    .columns(place)
    .execute();
  await db.schema
    .createTable('coordinator_result')
    .addColumn('round', 'text', (column) =>
      column.primaryKey().references('coordinator_round.round'),
    )
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('window_index', 'bigint', (column) => column.notNull())
    .addColumn('serial', 'bigint', (column) => column.notNull())
    .addColumn('closed_ms', 'bigint', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('sealed', 'bytea', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('coordinator_result_place')
    .on('coordinator_result')
    .columns(place)
    .execute();
  await db.schema
    .createIndex('coordinator_result_age')
    .on('coordinator_result')
    .columns(['task_id', 'closed_ms'])
    .execute();
}

async function makeAuditAndTokens(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('coordinator_audit')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('entry', 'jsonb', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('coordinator_token')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('record', 'jsonb', (column) => column.notNull())
    .execute();
}
