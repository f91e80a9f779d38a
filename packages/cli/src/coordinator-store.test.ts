/** The coordinator's store and the keys of its results as onlysum.yaml says them. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyedSealing } from '@onlysum/coordinator';
import { utf8 } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifyChain } from '@onlysum/service';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptySchema, hasPostgres, urlOf } from '../../../test/postgres/database.js';
import { openedRound, roundName, TASK } from '../../testkit/src/coordinator-records.js';
import { Capture, caseFolders } from '../test/captured-run.js';
import type { Finding } from './checks/finding.js';
import type { StoreSetting } from './configuration.js';
import { coordinatorSettings } from './coordinator-settings.js';
import { openCoordinatorStore } from './open-store.js';
import { type OpenCoordinator, openCoordinator } from './run-coordinator.js';
import { run } from './run.js';

const folders = caseFolders('onlysum-coordinator-store-');
afterAll(folders.remove);

const [OLDER, PRESENT] = ['0a'.repeat(32), '0b'.repeat(32)];
const IN_POSTGRES: StoreSetting = { postgres: { environment: 'COORDINATOR_DATABASE' } };
const event = { action: 'test', actor: 'test', outcome: 'done' } as const;

let cwd: string;
let env: Record<string, string>;
let running: OpenCoordinator | undefined;

beforeEach(async () => {
  cwd = folders.make();
  env = {};
  expect((await onlysum('init', '.')).code).toBe(0);
  expect((await onlysum('manifest', 'sign')).code).toBe(0);
});
afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function onlysum(...args: string[]) {
  const [out, err] = [new Capture(), new Capture()];
  const code = await run(args, { out, err, env, cwd });
  return { code, out: out.text, err: err.text };
}

function edit(from: string, to: string): void {
  const path = join(cwd, 'onlysum.yaml');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

/** Puts lines into the section of the coordinator. */
function configure(...lines: string[]): void {
  edit('resultsDir: results', ['resultsDir: results', ...lines].join('\n  '));
}

function terminal() {
  return { out: new Capture(), err: new Capture(), env, cwd };
}

async function start(): Promise<void> {
  const settings = { ...coordinatorSettings({}, terminal()), port: 0, logLevel: 'silent' as const };
  running = await openCoordinator(settings, terminal());
}

function keyFile(name: string, hex: string, mode = 0o600): string {
  const path = join(cwd, name);
  writeFileSync(path, hex);
  chmodSync(path, mode);
  return path;
}

/** Puts a result under the older key into a store that is there. */
async function putResult(setting: StoreSetting): Promise<void> {
  const store = await openCoordinatorStore(setting, terminal(), { create: false });
  const sealing = await keyedSealing([{ environment: 'K' }], { environment: { K: OLDER } });
  const { taskId: task, taskId } = TASK;
  await store.recordTask(TASK, [event]);
  await store.openWindow({ taskId, window: 7, deadlineMs: 9 }, [event]);
  const sum = { task: { taskId }, window: { index: 7 }, round: roundName(1), lanes: [5] };
  const place = { kind: 'result', task, window: 7, round: roundName(1) };
  const result = { keyId: sealing.keyId, sealed: sealing.seal(utf8(JSON.stringify(sum)), place) };
  await store.closeRound({ outcome: openedRound(1), result }, [event]);
  await store.close();
}

/** What `onlysum results reseal` must leave behind. */
async function expectResealed(setting: StoreSetting): Promise<void> {
  const store = await openCoordinatorStore(setting, terminal(), { create: false });
  const { sealed } = (await store.result(roundName(1)))!;
  const present = await keyedSealing([{ environment: 'K' }], { environment: { K: PRESENT } });
  const place = { kind: 'result', task: TASK.taskId, window: 7, round: roundName(1) };
  expect(new TextDecoder().decode(present.open(sealed, place))).toContain('"lanes":[5]');
  const entries = await store.auditEntries({ limit: 1_000 });
  const rotations = entries.filter(({ action }) => action === 'key.rotate');
  expect(rotations).toMatchObject([{ actor: 'command', subject: roundName(1) }]);
  expect(verifyChain(nativeSuite, entries).fault).toBeUndefined();
  await store.close();
}

describe('coordinator.store.lmdb', () => {
  it('is where the line says, for coordinator and commands, with its key beside it', async () => {
    configure('store: elsewhere');
    expect((await onlysum('token', 'list')).err).toContain('[store-missing]');
    await start();
    expect(existsSync(join(cwd, 'elsewhere', 'data.mdb'))).toBe(true);
    expect(existsSync(join(cwd, 'elsewhere.key'))).toBe(true);
    expect(existsSync(join(cwd, 'coordinator-store'))).toBe(false);
    const made = await onlysum('token', 'create', '--role', 'analyst', '--name', 'Ann');
    expect([made.code, (await onlysum('token', 'list')).out]).toEqual([
      0,
      expect.stringContaining('Ann'),
    ]);
  });
});

describe('coordinator.resultsKey', () => {
  it('seals in place of the key beside the store, from a file, a variable or a command', async () => {
    const print = JSON.stringify([process.execPath, '-p', 'process.env.PRINTED']);
    configure(`resultsKey: [{ file: a.key }, { environment: B }, { command: ${print} }]`);
    keyFile('a.key', PRESENT);
    env = { B: OLDER, PRINTED: 'cd'.repeat(32) };
    await start();
    expect(existsSync(join(cwd, 'coordinator-store.key'))).toBe(false);
  });

  it('is not taken from a file that others can read, or from what gives none', async () => {
    configure('resultsKey: [{ file: a.key }, { environment: B }]');
    keyFile('a.key', PRESENT, 0o640);
    env = { B: OLDER };
    await expect(start()).rejects.toMatchObject({ code: 'seal-key-unavailable', got: 'mode 0640' });
    chmodSync(join(cwd, 'a.key'), 0o600);
    env = {};
    await expect(start()).rejects.toMatchObject({ code: 'seal-key-unavailable', field: 'B' });
    env = { B: `${OLDER}0` };
    const error: unknown = await start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'seal-key-invalid' });
    expect(JSON.stringify([error, String(error)])).not.toContain(OLDER.slice(0, 8));
  });

  it('reseals what is under an older key, once', async () => {
    await start();
    const setting = { lmdb: join(cwd, 'coordinator-store') };
    await putResult(setting);
    const [present, older] = [keyFile('present.key', PRESENT), keyFile('older.key', OLDER)];
    const without = await onlysum('results', 'reseal');
    expect([without.code, without.err]).toEqual([2, expect.stringContaining('[setting-missing]')]);
    const line = `resultsKey: [{ file: ${present} }`;
    configure(`${line}]`);
    expect((await onlysum('results', 'reseal')).err).toContain('[seal-key-unknown]');
    edit(`${line}]`, `${line}, { file: ${older} }]`);
    const { code, out } = await onlysum('results', 'reseal');
    expect([code, out]).toEqual([0, expect.stringContaining('Resealed 1 results')]);
    await expectResealed(setting);
    expect((await onlysum('results', 'reseal')).out).toContain('Resealed 0 results');
    await expectResealed(setting);
  });
});

describe('onlysum doctor', () => {
  /** What it says of the keys, as `status message`. */
  async function sealKeys(): Promise<string[]> {
    const { out } = await onlysum('doctor', '--json');
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    const found = findings.filter(({ check }) => check === 'seal-keys');
    for (const { status, at = '' } of found) {
      if (status !== 'ok') expect(at).toMatch(/onlysum\.yaml:\d+:\d+$/);
    }
    return found.map(({ status, message }) => `${status} ${message}`);
  }

  const code = (error: unknown) => (error as { code: string }).code;
  /** The task that was put has no true manifest, which comes later. */
  const refusal = () => start().then(() => 'started', code);

  it('finds that the key beside the store was lost or replaced, and makes none', async () => {
    expect(await sealKeys()).toEqual([]);
    const path = keyFile('coordinator-store.key', OLDER);
    await start();
    await putResult({ lmdb: join(cwd, 'coordinator-store') });
    await running?.close();
    running = undefined;
    expect(await sealKeys()).toEqual(['ok the key beside the store can be had']);
    rmSync(path);
    expect(await sealKeys()).toEqual([
      expect.stringMatching(/^fail coordinator\.store: expected the file of key .* is not there$/),
    ]);
    expect(existsSync(path)).toBe(false);
    expect(await refusal()).toBe('seal-key-unknown');
    keyFile('coordinator-store.key', PRESENT);
    expect(await sealKeys()).toEqual([
      expect.stringMatching(/^fail coordinator\.store: expected the key of the 1 results that/),
    ]);
    expect(await refusal()).toBe('seal-key-unknown');
    keyFile('coordinator-store.key', OLDER);
    expect(await refusal()).not.toBe('seal-key-unknown');
  });

  it('finds that no key of coordinator.resultsKey opens what is kept', async () => {
    await start();
    await putResult({ lmdb: join(cwd, 'coordinator-store') });
    await running?.close();
    running = undefined;
    configure('resultsKey: [{ environment: PRESENT }]');
    env = { PRESENT, OLDER };
    expect(await sealKeys()).toEqual([
      expect.stringMatching(
        /^fail coordinator\.resultsKey: expected the key of the 1 results that/,
      ),
    ]);
    expect(await refusal()).toBe('seal-key-unknown');
    edit('{ environment: PRESENT }', '{ environment: PRESENT }, { environment: OLDER }');
    expect(await sealKeys()).toEqual(['ok the keys that results are sealed with can be had']);
    expect(await refusal()).not.toBe('seal-key-unknown');
  });
});

describe.skipIf(!hasPostgres)('coordinator.store.postgres', () => {
  it('keeps what a coordinator does, beside commands on the same database', async () => {
    env = { COORDINATOR_DATABASE: urlOf(await emptySchema()), PRESENT, OLDER };
    configure(
      'store: { postgres: { environment: COORDINATOR_DATABASE } }',
      'resultsKey: [{ environment: PRESENT }, { environment: OLDER }]',
    );
    expect((await onlysum('token', 'list')).err).toContain('[store-missing]');
    // Were there tables by now, the list would be empty.
    expect((await onlysum('token', 'list')).err).toContain('without them');
    await start();
    expect(existsSync(join(cwd, 'coordinator-store'))).toBe(false);
    const made = await onlysum('token', 'create', '--role', 'analyst', '--name', 'Ann', '--json');
    expect([made.code, made.err]).toEqual([0, '']);
    await putResult(IN_POSTGRES);
    const resealed = await onlysum('results', 'reseal', '--json');
    expect([resealed.code, JSON.parse(resealed.out)]).toMatchObject([0, { resealed: 1 }]);
    await expectResealed(IN_POSTGRES);
    expect((await onlysum('token', 'list')).out).toContain('Ann');
  });
});

it('hands coordinator.overSelection on', async () => {
  configure('overSelection: false');
  const settings = coordinatorSettings({}, terminal());
  expect(settings.overSelection).toBe(false);
  // What it does shows over many rounds only; that it arrives shows in its being checked.
  const wrong = openCoordinator({ ...settings, overSelection: 'no' as never }, terminal());
  await expect(wrong).rejects.toMatchObject({ field: 'overSelection', code: 'argument-invalid' });
});

it('hands coordinator.trustProxy on', async () => {
  configure('trustProxy: [10.0.0.0/99]');
  await expect(start()).rejects.toMatchObject({ field: 'trustProxy[0]', code: 'argument-invalid' });
});

it('asks for a key for results beside a database, and shows nothing of its URL', async () => {
  configure('store: { postgres: { environment: COORDINATOR_DATABASE } }');
  await expect(start()).rejects.toMatchObject({
    code: 'setting-missing',
    field: 'coordinator.resultsKey',
  });
  env = { COORDINATOR_DATABASE: 'mysql://user:hunter2@host/db' };
  const { code, err } = await onlysum('token', 'list');
  expect(code).toBe(2);
  expect(err).toContain('coordinator.store.postgres.environment');
  expect(err).not.toContain('hunter2');
});
