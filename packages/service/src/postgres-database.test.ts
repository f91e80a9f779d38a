import { Socket } from 'node:net';
import { type Kysely, sql } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import {
  type TestConnection,
  asAdministrator,
  emptySchema,
  hasPostgres,
} from '../../../test/postgres/database.js';
import { type PostgresConnection, openPostgres } from './postgres-database.js';

interface Tables {
  readonly thing: { readonly id: number; readonly bytes: Uint8Array };
}

const first = {
  up: async (db: Kysely<unknown>) => {
    await sql`create table thing (id bigint primary key, bytes bytea)`.execute(db);
  },
};
const second = {
  up: async (db: Kysely<unknown>) => {
    await sql`insert into thing values (${Number.MAX_SAFE_INTEGER}, '\\x00ff')`.execute(db);
  },
};

const open = (
  connection: PostgresConnection,
  migrations: object = { '1-a': first, '2-b': second },
) => openPostgres<Tables>(connection, { name: 'testing', migrations: { ...migrations } });

const unavailable = { code: 'store-unavailable', field: 'store' };

describe.skipIf(!hasPostgres)('openPostgres', () => {
  it('migrates once, whoever opens at once and however often', async () => {
    const connection = await emptySchema();
    const opened = await Promise.all(Array.from({ length: 5 }, () => open(connection)));
    opened.push(await open(connection));
    for (const database of opened) {
      const rows = await database.query((db) => db.selectFrom('thing').selectAll().execute());
      // Strict: no text in the place of a number, no Buffer in that of bytes.
      const row = { id: Number.MAX_SAFE_INTEGER, bytes: Uint8Array.from([0, 255]) };
      expect(rows).toStrictEqual([row]);
      await database.close();
    }
  });

  it('keeps schemas of one database apart', async () => {
    for (const connection of [await emptySchema(), await emptySchema()]) {
      const database = await open(connection);
      await database.query((db) => db.deleteFrom('thing').execute());
      await database.close();
    }
  });

  it('adds what a newer version needs, and refuses what an older one does not know', async () => {
    const connection = await emptySchema();
    await (await open(connection, { '1-a': first })).close();
    await (await open(connection)).close();
    const older = open(connection, { '1-a': first });
    await expect(older).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('2-b is missing'),
    });
  });

  it('changes nothing if it is only to look, and says what it would have changed', async () => {
    const connection = await emptySchema();
    const migrations = { '1-a': first, '2-b': second };
    const look = () =>
      openPostgres<Tables>(connection, { name: 'testing', migrations }, { readOnly: true });
    await expect(look()).rejects.toMatchObject({ code: 'store-missing' });
    await (await open(connection, { '1-a': first })).close();
    await expect(look()).rejects.toMatchObject({
      code: 'store-outdated',
      message: expect.stringMatching(/lack 2-b$/),
    });
    await (await open(connection)).close();
    const database = await look();
    const rows = () => database.query((db) => db.selectFrom('thing').selectAll().execute());
    expect(await rows()).toHaveLength(1);
    const emptied = database.transact((db) => db.deleteFrom('thing').execute());
    await expect(emptied).rejects.toMatchObject(unavailable);
    expect(await rows()).toHaveLength(1);
    await database.close();
  });

  it('leaves nothing of a migration that fails', async () => {
    const connection = await emptySchema();
    const broken = {
      up: async (db: Kysely<unknown>) => {
        await sql`select 1 / 0`.execute(db);
      },
    };
    await expect(open(connection, { '1-a': first, '2-b': broken })).rejects.toThrow('zero');
    await (await open(connection)).close();
  });

  it('waits for the disk, whatever the server is set up to', async () => {
    const connection = await emptySchema();
    const lax = { ...connection, options: `${connection.options} -c synchronous_commit=off` };
    const database = await open(lax);
    const { rows } = await database.transact((db) =>
      sql<{ value: string }>`select current_setting('synchronous_commit') as value`.execute(db),
    );
    expect(rows).toEqual([{ value: 'on' }]);
    await database.close();
  });

  it('refuses a number that JavaScript does not hold', async () => {
    const database = await open(await emptySchema());
    const large = database.query((db) => sql`select 9007199254740993 as id`.execute(db));
    await expect(large).rejects.toMatchObject({ code: 'internal' });
    await database.close();
  });

  it('rolls back, and passes on what a transaction throws of ours', async () => {
    const database = await open(await emptySchema());
    const failure = new TypeError('ours');
    const failing = database.transact(async (db) => {
      await db.deleteFrom('thing').execute();
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    const rows = await database.query((db) => db.selectFrom('thing').selectAll().execute());
    expect(rows).toHaveLength(1);
    await database.close();
  });

  it('says what is a bug and what is the server', async () => {
    const connection = await emptySchema();
    const database = await open(connection);
    const twice = database.query((db) => {
      const row = { id: Number.MAX_SAFE_INTEGER, bytes: new Uint8Array(1) };
      return db.insertInto('thing').values(row).execute();
    });
    await expect(twice).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('23505'),
    });
    await database.close();
  });

  it('lives through a connection that breaks, idle or in a transaction', async () => {
    const database = await open(await emptySchema());
    const pid = (db: Kysely<Tables>) =>
      sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
    const kill = (rows: readonly { readonly pid: number }[]) =>
      asAdministrator((client) => client.query('select pg_terminate_backend($1)', [rows[0]?.pid]));
    await kill((await database.query(pid)).rows);
    const broken = database.transact(async (db) => {
      await kill((await pid(db)).rows);
      await pid(db);
    });
    await expect(broken).rejects.toMatchObject({ ...unavailable, retryable: true });
    // The pool may hand out a connection before it hears that it broke: that can be tried again.
    await vi.waitFor(async () => expect((await database.transact(pid)).rows).toHaveLength(1));
    await database.close();
  });

  it.each<[string, (connection: TestConnection) => PostgresConnection, boolean]>([
    ['ECONNREFUSED', () => 'postgres://nobody@localhost:1/none', true],
    ['ENOENT', (c) => ({ ...c, host: '/nowhere' }), true],
    ['database "none" does not exist', (c) => ({ ...c, database: 'none' }), false],
    ['role "nobody" does not exist', (c) => ({ ...c, user: 'nobody' }), false],
    ['names no schema', (c) => ({ ...c, options: '-c search_path=none' }), false],
  ])('says so when it cannot be opened: %s', async (reason, change, retryable) => {
    const opening = open(change(await emptySchema()));
    await expect(opening).rejects.toMatchObject({
      ...unavailable,
      retryable,
      message: expect.stringContaining(reason),
    });
  });

  it('says what each of several addresses answered', async () => {
    const refusing = new Socket();
    const errors = [new Error('first refused'), new Error('second refused')];
    refusing.connect = () => refusing.destroy(new AggregateError(errors));
    const connection = { ...(await emptySchema()), stream: () => refusing };
    await expect(open(connection)).rejects.toMatchObject({
      ...unavailable,
      message: 'store: PostgreSQL: first refused; second refused',
    });
  });

  it('does not tell a password', async () => {
    for (const text of ['postgres://me:secret@[:1/none', 'postgres://me:secret@127.0.0.1:1/none']) {
      const error: unknown = await open(text).catch((reason: unknown) => reason);
      expect(error).toMatchObject(unavailable);
      const { message, stack, cause } = error as Error;
      const told = [message, stack, String(cause), JSON.stringify(cause), (cause as Error)?.stack];
      expect(told.join()).not.toContain('secret');
    }
  });
});
