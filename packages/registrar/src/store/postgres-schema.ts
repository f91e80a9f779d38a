/**
 * The registrar's tables in PostgreSQL. A migration is never changed once it was published: add one.
 */
import { type Kysely, sql } from 'kysely';

export interface RegistrarTables {
  /** One row: the number of the last transaction that put something. Whoever locks it may write. */
  readonly registrar_head: { readonly seq: number };
  /** The ledger; `seq` is that of the transaction that put the row last. */
  readonly registrar_ledger: {
    readonly key: string;
    /** MessagePack of a `LedgerValue`. */
    readonly value: Uint8Array;
    readonly seq: number;
  };
}

export const registrarSchema = {
  name: 'registrar',
  migrations: {
    '1-ledger': {
      up: async (db: Kysely<unknown>) => {
        await db.schema
          .createTable('registrar_head')
          .addColumn('seq', 'bigint', (column) => column.notNull())
          .execute();
        // No second row: two processes would lock one each.
        await sql`create unique index registrar_head_single on registrar_head ((true))`.execute(db);
        await sql`insert into registrar_head (seq) values (0)`.execute(db);
        await db.schema
          .createTable('registrar_ledger')
          .addColumn('key', 'text', (column) => column.primaryKey())
          .addColumn('value', 'bytea', (column) => column.notNull())
          .addColumn('seq', 'bigint', (column) => column.notNull())
          .execute();
        await db.schema
          .createIndex('registrar_ledger_seq')
          .on('registrar_ledger')
          .columns(['seq', 'key'])
          .execute();
      },
    },
  },
};
