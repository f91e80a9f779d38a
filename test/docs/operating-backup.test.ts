/**
 * A backup as the guide takes it, while both servers run, and everything lost since: what was known comes back
 * whole, and no device counts twice. On PostgreSQL; on lmdb as well with ONLYSUM_GUIDE=all.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { freePort } from '../e2e/free-port.js';
import { endAll, Running } from '../e2e/onlysum-process.js';
import { asAdministrator, hasPostgres } from '../postgres/database.js';
import { guideBlock, type ShellEnd, shell, substitute, succeed, triedBlocks } from './guide.js';

const LIMIT_MS = 180_000;
const DAY_MS = 86_400_000;
const root = mkdtempSync(join(tmpdir(), 'onlysum-backup-'));
afterAll(async () => {
  await endAll();
  rmSync(root, { recursive: true, force: true });
});

interface Storage {
  readonly name: string;
  /** What of the two onlysum.yaml is another. */
  readonly lines: Readonly<Record<string, string>>;
  /** In the folder of both machines. */
  backUp(cwd: string): Promise<void>;
  /** Loses everything, then takes it from the backup. */
  restore(cwd: string): Promise<void>;
}

const lmdb: Storage = {
  name: 'lmdb',
  lines: {},
  backUp: (cwd) => run(cwd, guideBlock('sh', 'copy-store.mjs')),
  restore: async (cwd) => {
    for (const role of ['registrar', 'coordinator']) {
      const store = join(cwd, role, `${role}-store`);
      rmSync(store, { recursive: true });
      cpSync(join(cwd, 'backups', `${role}-store`), store, { recursive: true });
    }
  },
};

const DATABASES = ['REGISTRAR_DATABASE', 'COORDINATOR_DATABASE'];
const postgres: Storage = {
  name: 'PostgreSQL',
  lines: {
    'store: registrar-store': 'store: { postgres: { environment: REGISTRAR_DATABASE } }',
    '  resultsDir: results ': `  store: { postgres: { environment: COORDINATOR_DATABASE } }
  resultsKey: { file: ../results.key }
  resultsDir: results `,
  },
  backUp: (cwd) => eachDatabase(cwd, 'pg_dump'),
  restore: async (cwd) => {
    for (const database of DATABASES) {
      await asAdministrator((client) => client.query(`drop database ${named(database)}`));
    }
    await createDatabases();
    await eachDatabase(cwd, 'pg_restore');
  },
};

/** Each takes half a minute. */
const isAll = process.env['ONLYSUM_GUIDE'] === 'all';
const storages = [...(hasPostgres ? [postgres] : []), ...(isAll ? [lmdb] : [])];
describe.each(storages)('a backup of $name', (storage) => {
  const cwd = join(root, storage.name);
  const publisher = join(cwd, 'publisher');
  let before: Known;
  let after: Known;
  let again: readonly ShellEnd[];
  let others: readonly ShellEnd[];
  let results: string;

  beforeAll(async () => {
    mkdirSync(cwd);
    if (storage === postgres) await createDatabases();
    const registrarUrl = await setUp(cwd, storage);
    await startBoth(cwd);
    const tokens = await makeTokens(cwd);
    await enrol(cwd, registrarUrl);
    const submit = (stores: readonly string[]) => submitAll(publisher, registrarUrl, stores);
    // A device that does not keep its record: a copy of it knows of no contribution.
    for (const i of [1, 2, 3])
      cpSync(join(publisher, `d${i}`), join(publisher, `copy${i}`), { recursive: true });
    expect(codes(await submit(['d1', 'd2', 'd3']))).toEqual([0, 0, 0]);
    before = await known(cwd, tokens);
    // Somebody waits for a round meanwhile.
    const waiting = new Running(
      ['device', 'submit', '--store', 'd4', '--registrar-url', registrarUrl],
      { cwd: publisher },
    );
    await waiting.says('more devices needed');
    await storage.backUp(cwd);
    waiting.signal('SIGKILL');
    await endAll();

    await storage.restore(cwd);
    await run(join(cwd, 'registrar'), 'onlysum registrar new-incarnation');
    await startBoth(cwd);
    after = await known(cwd, tokens, before);
    again = [...(await submit(['d1'])), ...(await submit(['copy1', 'copy2', 'copy3']))];
    others = await submit(['d4', 'd5', 'd6']);
    // Results of a window can be read when it has ended.
    await endAll();
    await startBoth(cwd, DAY_MS);
    results = await resultsOf(tokens);
  }, LIMIT_MS);

  it('opens what was sealed before, to the tokens of before', () => {
    const [, value] = /"startup_ms","histogram","reported",,(\d+),/.exec(results) ?? [];
    expect({ results, value }).toMatchObject({ value: '6' });
    expect([before.revoked, after.revoked]).toEqual([401, 401]);
  });

  it('has both audit logs, which go on from the heads of before', () => {
    expect(after.registrarAudit).toMatch(/^holds/);
    expect(after.coordinatorAudit).toMatch(/^holds/);
  });

  it('takes no device twice in a window, whether the device knows it or not', () => {
    const [knowing, ...copies] = again.map(({ err }) => err);
    expect(knowing).toContain('[already-contributed]');
    expect(copies.filter((err) => err.includes('already-included'))).toHaveLength(3);
  });

  it('goes on with the others', () => {
    expect(codes(others)).toEqual([0, 0, 0]);
  });
});

/** What is to come back. */
interface Known {
  /** HTTP status for a token that was taken back. */
  readonly revoked: number;
  readonly registrarAudit: string;
  readonly coordinatorAudit: string;
}

interface Tokens {
  readonly url: string;
  readonly analyst: string;
  readonly auditor: string;
  readonly revoked: string;
}

const adminPorts = new Map<string, number>();

/** @returns the registrar's address. */
async function setUp(cwd: string, { lines }: Storage): Promise<string> {
  const [coordinator, registrar, admin] = [await freePort(), await freePort(), await freePort()];
  adminPorts.set(cwd, admin);
  const [keys = '', configuration = ''] = triedBlocks();
  const script = substitute(`${keys}\n${configuration}`, {
    // No end of a window in the middle of a test.
    'cd publisher\n': `cd publisher\nsed -i 's/"lengthMs": 600000/"lengthMs": 86400000/' manifest.json\n`,
    '8787': `${coordinator}`,
    '8788': `${registrar}`,
    '8789': `${admin}`,
    ...lines,
  });
  await run(cwd, `(umask 077; openssl rand -hex 32 > results.key)\n${script}`);
  return `http://127.0.0.1:${registrar}`;
}

/** @param aheadMs - by how much their clocks are ahead. */
async function startBoth(cwd: string, aheadMs = 0): Promise<void> {
  const ahead = `const now = Date.now; Date.now = () => now() + ${aheadMs};`;
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(ahead)}`;
  const servers = ['registrar', 'coordinator'].map(
    (role) => new Running([role, '--json'], { cwd: join(cwd, role) }),
  );
  if (before === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = before;
  for (const server of servers) await server.listening();
}

function ask({ url }: Tokens, token: string, path: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
}

async function resultsOf(tokens: Tokens): Promise<string> {
  const tasks = await (await ask(tokens, tokens.analyst, '/tasks')).text();
  const taskId = /"taskId":"([0-9a-f]+)"/.exec(tasks)?.[1] ?? '';
  const path = `/tasks/${taskId}/results?format=csv`;
  // A window is decided a moment after the coordinator has started.
  return vi.waitFor(async () => {
    const csv = await (await ask(tokens, tokens.analyst, path)).text();
    expect(csv).toContain('startup_ms');
    return csv;
  }, LIMIT_MS / 6);
}

async function makeTokens(cwd: string): Promise<Tokens> {
  const create = (role: string) => `onlysum token create --role ${role} --name ${role}`;
  const out = await succeed(
    `${create('analyst')}\n${create('auditor')}\nrevoked=$(${create('analyst')})
     echo $revoked; onlysum token revoke $(onlysum token list --json | sed -E 's/^\\[\\{"id":"([0-9a-f]+)".*/\\1/') > /dev/null`,
    { cwd: join(cwd, 'coordinator'), limitMs: LIMIT_MS / 4 },
  );
  const [analyst = '', auditor = '', revoked = ''] = out.trim().split('\n');
  return { url: `http://127.0.0.1:${adminPorts.get(cwd)}/api/v1`, analyst, auditor, revoked };
}

async function enrol(cwd: string, registrarUrl: string): Promise<void> {
  const devices = [1, 2, 3, 4, 5, 6].map((i) => {
    const code = `"$(sed -n ${i}p ../registrar/codes)"`;
    return `onlysum device enrol ${code} --store d${i} --registrar-url ${registrarUrl}`;
  });
  const made = '(cd registrar && onlysum registrar codes --count 6 > codes)';
  await run(cwd, `${made}\ncd publisher\n${devices.join('\n')}`);
}

/** At once: together they are a cohort. */
function submitAll(
  cwd: string,
  registrarUrl: string,
  stores: readonly string[],
): Promise<ShellEnd[]> {
  return Promise.all(
    stores.map((store) => {
      const values = '--opt-in performance --set startup_ms=300 --timeout 60 --json';
      const where = `--store ${store} --registrar-url ${registrarUrl}`;
      return shell(`onlysum device submit ${where} ${values}`, { cwd, limitMs: 90_000 });
    }),
  );
}

async function known(cwd: string, tokens: Tokens, before?: Known): Promise<Known> {
  const { auditor, revoked } = tokens;
  const log = await (await ask(tokens, auditor, '/audit/export')).text();
  const verify = (file: string, audit: string | undefined) => {
    const head = /^head +(\S+)/m.exec(audit ?? '')?.[1];
    return `onlysum audit verify ${file} ${head === undefined ? '' : `--head ${head}`}`;
  };
  const options = { cwd, limitMs: LIMIT_MS / 4 };
  const registrarLog =
    '(cd registrar && onlysum audit log --of registrar --json) > registrar.jsonl';
  const registrarAudit = await succeed(
    `${registrarLog}\n${verify('registrar.jsonl', before?.registrarAudit)}`,
    options,
  );
  const coordinatorAudit = await succeed(
    `cat > coordinator.jsonl << 'END'\n${log.trimEnd()}\nEND\n${verify('coordinator.jsonl', before?.coordinatorAudit)}`,
    options,
  );
  return {
    revoked: (await ask(tokens, revoked, '/tasks')).status,
    registrarAudit,
    coordinatorAudit,
  };
}

/** The guide's command, for each server's database. */
async function eachDatabase(cwd: string, command: string): Promise<void> {
  for (const database of DATABASES) {
    const block = guideBlock('sh', command);
    const own = { REGISTRAR_DATABASE: database, 'onlysum.dump': `${database}.dump` };
    await run(cwd, substitute(block, own));
  }
}

async function createDatabases(): Promise<void> {
  for (const database of DATABASES) {
    await asAdministrator((client) => client.query(`create database ${named(database)}`));
    const host = encodeURIComponent(inject('postgres'));
    process.env[database] = `postgres:///${named(database)}?host=${host}&user=postgres`;
  }
}

function named(database: string): string {
  return `guide_${database.toLowerCase()}`;
}

async function run(cwd: string, script: string): Promise<void> {
  await succeed(script, { cwd, limitMs: LIMIT_MS / 2 });
}

function codes(ends: readonly ShellEnd[]): unknown[] {
  return ends.map(({ code, err }) => (code === 0 ? 0 : err));
}
