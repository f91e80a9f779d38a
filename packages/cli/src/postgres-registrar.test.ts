/** A registrar on PostgreSQL as onlysum.yaml says it, and commands beside it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptySchema, hasPostgres, urlOf } from '../../../test/postgres/database.js';
import { caseFolders } from '../test/captured-run.js';
import { registrarSettings } from './registrar-settings.js';
import { type OpenRegistrar, openRegistrar } from './run-registrar.js';
import { run } from './run.js';

const folders = caseFolders('onlysum-postgres-registrar-');
afterAll(() => folders.remove());

let cwd: string;
let env: Record<string, string>;
let running: OpenRegistrar | undefined;

beforeEach(async () => {
  cwd = folders.make();
  env = {};
  expect((await onlysum('init', '.')).code).toBe(0);
  expect((await onlysum('manifest', 'sign')).code).toBe(0);
  const path = join(cwd, 'onlysum.yaml');
  const text = readFileSync(path, 'utf8');
  const line = 'store: { postgres: { environment: REGISTRAR_DATABASE } }';
  writeFileSync(path, text.replace('store: registrar-store', line));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
});

function terminal() {
  const said = { out: '', err: '' };
  const into = (name: 'out' | 'err') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        said[name] += chunk.toString();
        done();
      },
    });
  return { said, out: into('out'), err: into('err'), env, cwd };
}

async function onlysum(...args: string[]) {
  const { said, ...where } = terminal();
  const code = await run(args, where);
  return { code, ...said };
}

async function start(): Promise<OpenRegistrar> {
  const settings = { ...registrarSettings({}, terminal()), port: 0, logLevel: 'silent' as const };
  running = await openRegistrar(settings, terminal());
  return running;
}

describe.skipIf(!hasPostgres)('registrar.store.postgres', () => {
  it('keeps what a registrar does, beside commands on the same database', async () => {
    env = { REGISTRAR_DATABASE: urlOf(await emptySchema()) };
    const { url, registrar } = await start();
    const made = await onlysum('registrar', 'codes', '--count', '1', '--json');
    expect([made.code, made.err]).toEqual([0, '']);
    const [code = ''] = (JSON.parse(made.out) as { codes: string[] }).codes;
    const enrolled = await onlysum(
      'device',
      'enrol',
      code,
      '--store',
      'd1',
      '--registrar-url',
      url,
    );
    expect([enrolled.code, enrolled.err]).toEqual([0, '']);
    expect(registrar.health().enrolled).toBe(1);
    const audit = await onlysum('audit', 'log', '--of', 'registrar');
    expect(audit.out).toMatch(/registrar\.started[^]*codes\.made[^]*enrolment\.made/);
  });

  it('is made by a registrar, and by nothing else', async () => {
    env = { REGISTRAR_DATABASE: urlOf(await emptySchema()) };
    const codes = () => onlysum('registrar', 'codes', '--count', '1');
    expect((await codes()).err).toContain('[store-missing]');
    // Were there tables by now, the error would be that no registrar has run on them.
    expect((await codes()).err).toContain('without them');
    await (await start()).close();
    running = undefined;
    expect((await codes()).code).toBe(0);
  });
});

it('asks for the variable that is to hold the URL, and shows nothing of it', async () => {
  await expect(start()).rejects.toMatchObject({
    code: 'setting-missing',
    field: 'registrar.store.postgres.environment',
  });
  env = { REGISTRAR_DATABASE: 'mysql://user:hunter2@host/db' };
  const { code, err } = await onlysum('registrar', 'codes', '--count', '1');
  expect(code).toBe(2);
  expect(err).toContain('[config-invalid]');
  expect(err).not.toContain('hunter2');
});
