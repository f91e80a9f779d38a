/** A store in PostgreSQL as `onlysum doctor` finds it, each fault a real one. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { postgresCoordinatorStore } from '@onlysum/coordinator';
import { postgresStore } from '@onlysum/registrar';
import type pg from 'pg';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  asAdministrator,
  emptySchema,
  hasPostgres,
  type TestConnection,
  urlOf,
} from '../../../../test/postgres/database.js';
import { freePort } from '../../../../test/e2e/free-port.js';
import { caseFolders, runCaptured } from '../../test/captured-run.js';
import { registrarSettings } from '../registrar-settings.js';
import { openRegistrar } from '../run-registrar.js';
import { namedTasks, readDeployment } from './deployment.js';
import { checkStores } from './store-checks.js';

const folders = caseFolders('onlysum-postgres-checks-');
afterAll(folders.remove);

const PASSWORD = 'hunter2';
const DEFAULT_STORE = 'store: registrar-store';

let cwd: string;
let env: Record<string, string>;
beforeEach(async () => {
  cwd = folders.make();
  env = {};
  await runCaptured(cwd, ['init', '.']);
  await runCaptured(cwd, ['manifest', 'sign']);
});

const here = () => ({ out: process.stdout, err: process.stderr, env, cwd });

function edit(from: string, to: string): void {
  const path = join(cwd, 'onlysum.yaml');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
  chmodSync(path, 0o600);
}

/** Names the store of one role in onlysum.yaml. @returns what doctor says of it. */
async function check(role: 'coordinator' | 'registrar', url: string): Promise<readonly string[]> {
  const store = 'store: { postgres: { environment: DATABASE } }';
  if (env['DATABASE'] === undefined) {
    if (role === 'registrar') edit(DEFAULT_STORE, store);
    else edit('resultsDir: results', `resultsDir: results\n  ${store}`);
  }
  env['DATABASE'] = url;
  const { deployment } = readDeployment(undefined, here());
  const findings = await checkStores(deployment!, namedTasks(deployment!).tasks);
  expect(JSON.stringify(findings)).not.toContain(PASSWORD);
  for (const { status, mend } of findings) expect(mend === undefined).toBe(status === 'ok');
  return findings.map(({ status, message }) => `${status} ${message}`);
}

const administer = <T>(place: TestConnection, run: (client: pg.Client) => Promise<T>) =>
  asAdministrator(run, place);

/** All that there is in a schema, and who has written last. */
async function stateOf(place: TestConnection): Promise<unknown> {
  return administer(place, async (client) => {
    const tables = await client.query<{ name: string }>(
      'select tablename as name from pg_tables where schemaname = current_schema() order by 1',
    );
    const contents = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query(`select xmin::text, t::text from ${name} t order by 2`);
      contents.push([name, rows]);
    }
    return contents;
  });
}

describe.skipIf(!hasPostgres)('onlysum doctor on PostgreSQL', () => {
  it('gets in by a folder of sockets, and says the version and that there are no tables yet', async () => {
    const place = await emptySchema();
    const [said] = await check('registrar', urlOf(place));
    expect(said).toMatch(/^ok registrar\.store\.postgres: PostgreSQL \d+.* lets in postgres@\//);
    expect(said).toContain('the registrar makes its tables when it first starts');
    expect(await stateOf(place)).toEqual([]);
  });

  it('knows tables of this version, of an older and of a newer one, and changes none', async () => {
    const place = await emptySchema();
    await (await postgresCoordinatorStore(place)).close();
    const before = await stateOf(place);
    expect(await check('coordinator', urlOf(place))).toEqual([
      expect.stringMatching(/^ok .*; its tables are of this version$/),
    ]);
    expect(await stateOf(place)).toEqual(before);
    const rename = (from: string, to: string) =>
      administer(place, (client) =>
        client.query('update coordinator_migration set name = $2 where name = $1', [from, to]),
      );
    await rename('1-records', '9-later');
    expect(await check('coordinator', urlOf(place))).toEqual([
      expect.stringMatching(/^fail .*got migration 9-later of a newer one/),
    ]);
    await administer(place, (client) => client.query('delete from coordinator_migration'));
    const older = await stateOf(place);
    expect(await check('coordinator', urlOf(place))).toEqual([
      expect.stringMatching(/^ok .*; the coordinator brings its older tables up to date/),
    ]);
    expect(await stateOf(place)).toEqual(older);
  });

  it('knows its own registrar and another, and changes nothing of them', async () => {
    const place = await emptySchema();
    edit(DEFAULT_STORE, 'store: { postgres: { environment: DATABASE } }');
    env = { DATABASE: urlOf(place) };
    const settings = { ...registrarSettings({}, here()), port: 0, logLevel: 'silent' as const };
    await (await openRegistrar(settings, here())).close();
    const before = await stateOf(place);
    expect(await check('registrar', urlOf(place))).toEqual([
      expect.stringMatching(/^ok .*of this version$/),
    ]);
    expect(await stateOf(place)).toEqual(before);
    const others = folders.make();
    await runCaptured(others, ['init', '.']);
    await runCaptured(others, ['manifest', 'sign']);
    for (const name of ['manifest.signed.json', 'keys/registrar.json']) {
      writeFileSync(join(cwd, name), readFileSync(join(others, name)));
    }
    const [said, ...rest] = await check('registrar', urlOf(place));
    expect(said).toMatch(/^fail .*is the store of another registrar than .*manifest\.signed\.json/);
    expect(rest).toEqual([]);
  });

  it('finds the store of the other role, alone or beside its own', async () => {
    const place = await emptySchema();
    await (await postgresStore(place)).close();
    expect(await check('coordinator', urlOf(place))).toEqual([
      expect.stringMatching(
        /^fail .*is the store of a registrar, and holds none of a coordinator$/,
      ),
    ]);
    await (await postgresCoordinatorStore(place)).close();
    expect(await check('coordinator', urlOf(place))).toEqual([
      expect.stringMatching(/^ok .*of this version$/),
      expect.stringMatching(/^warn .*holds the store of a registrar as well/),
    ]);
  });

  it('finds a user that may not write, and one that may make no tables', async () => {
    const place = await emptySchema();
    const schema = /search_path=(\w+)/.exec(place.options)?.[1] ?? '';
    const user = `reader_${schema}`;
    await administer(place, (client) =>
      client.query(`create role ${user} login; grant usage on schema ${schema} to ${user}`),
    );
    const url = urlOf({ ...place, user });
    expect(await check('coordinator', url)).toEqual([
      expect.stringMatching(/^fail .*this user may make no tables in reader_/),
    ]);
    await (await postgresCoordinatorStore(place)).close();
    expect(await check('coordinator', url)).toEqual([
      expect.stringMatching(/^fail .*this user may not write the coordinator's tables/),
    ]);
    await administer(place, async (client) => {
      await client.query(`alter role ${user} set default_transaction_read_only = on`);
    });
    expect(await check('coordinator', url)).toEqual([
      expect.stringMatching(/^fail .*is a standby, or set to read only/),
    ]);
  });

  it('is not let in as nobody, into no database, and into no schema, and shows no password', async () => {
    const place = await emptySchema();
    const { host, options } = place;
    const query = new URLSearchParams({ host, options }).toString();
    expect(await check('registrar', `postgres://nobody:${PASSWORD}@/postgres?${query}`)).toEqual([
      expect.stringMatching(/^fail .*PostgreSQL does not let in nobody@\/.*role "nobody"/),
    ]);
    expect(await check('registrar', `postgres://postgres:${PASSWORD}@/none?${query}`)).toEqual([
      expect.stringMatching(/^fail .*PostgreSQL has no such database postgres@.*\/none/),
    ]);
    const nowhere = urlOf({ ...place, options: '-c search_path=nowhere' });
    expect(await check('registrar', nowhere)).toEqual([
      expect.stringMatching(/^fail .*the search path names no schema that exists/),
    ]);
  });
});

describe('onlysum doctor without PostgreSQL', () => {
  it('says that nothing answers', async () => {
    const port = await freePort();
    const url = `postgres://me:${PASSWORD}@127.0.0.1:${port}/onlysum`;
    expect(await check('registrar', url)).toEqual([
      expect.stringMatching(/^fail .*me@127\.0\.0\.1:\d+\/onlysum does not answer: .*ECONNREFUSED/),
    ]);
    expect(await check('registrar', `postgres://me@/onlysum?host=${cwd}`)).toEqual([
      expect.stringMatching(/^fail .*does not answer: .*ENOENT/),
    ]);
  });

  it('waits for one that says nothing no longer than a few seconds', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    expect(await check('registrar', `postgres://me@127.0.0.1:${port}/x`)).toEqual([
      expect.stringMatching(/^fail .*does not answer: .*timeout/),
    ]);
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  it('asks for the variable, and for a URL in it', async () => {
    expect(await check('registrar', '')).toEqual([
      'warn registrar.store.postgres: DATABASE is not set here',
    ]);
    expect(await check('registrar', `mysql://me:${PASSWORD}@db/x`)).toEqual([
      expect.stringMatching(/^fail .*DATABASE holds no URL of the form postgres:/),
    ]);
    expect(await check('registrar', `postgres://me:${PASSWORD}@db:x/x`)).toEqual([
      expect.stringMatching(/^fail .*not a URL that PostgreSQL takes/),
    ]);
  });
});
