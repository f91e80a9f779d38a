/** `onlysum task`, on stores that are open elsewhere; with a running coordinator, see test/e2e/task-stop.test.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CoordinatorStore,
  lmdbCoordinatorStore,
  postgresCoordinatorStore,
} from '@onlysum/coordinator';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifyChain } from '@onlysum/service';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { emptySchema, hasPostgres, urlOf } from '../../../test/postgres/database.js';
import { caseFolders, runCaptured } from '../test/captured-run.js';

const folders = caseFolders('onlysum-task-');
afterAll(folders.remove);

const ID = { one: '01'.repeat(32), two: '02'.repeat(32), other: '03'.repeat(32) };
const TASKS = [
  { taskId: ID.one, name: 'acme-desktop', version: 1, signedManifest: '{}' },
  { taskId: ID.two, name: 'acme-desktop', version: 2, signedManifest: '{}' },
  { taskId: ID.other, name: 'acme-server', version: 7, signedManifest: '{}' },
];

let store: CoordinatorStore;
afterEach(() => store.close());

async function fill(): Promise<void> {
  for (const task of TASKS) {
    await store.recordTask(task, [{ action: 'task.recorded', actor: 'test', outcome: 'done' }]);
  }
}

/** A store that is open here, as that of a running coordinator is. */
async function inFolder(): Promise<string> {
  const cwd = folders.make();
  store = lmdbCoordinatorStore(join(cwd, 'coordinator-store'));
  await fill();
  return cwd;
}

async function inDatabase(): Promise<string> {
  const cwd = folders.make();
  const place = await emptySchema();
  const line = `coordinator: { store: { postgres: { url: ${JSON.stringify(urlOf(place))} } } }`;
  writeFileSync(join(cwd, 'onlysum.yaml'), line);
  store = await postgresCoordinatorStore(place);
  await fill();
  return cwd;
}

describe.each([
  { kind: 'lmdb', open: inFolder, isHere: true },
  { kind: 'PostgreSQL', open: inDatabase, isHere: hasPostgres },
])('onlysum task on $kind', ({ open, isHere }) => {
  it.runIf(isHere)('stops and resumes, seen at once by who has the store open', async () => {
    const cwd = await open();
    const stop = ['task', 'stop', 'acme-desktop@2', '--reason', 'incident 7', '--json'];
    const stopped = await runCaptured(cwd, stop);
    const view = { taskId: ID.two, name: 'acme-desktop', version: 2 };
    expect([stopped.code, JSON.parse(stopped.out)]).toEqual([
      0,
      { ...view, state: 'stopped', reason: 'incident 7', changed: true },
    ]);
    const states = async () => (await store.tasks()).map(({ state }) => state);
    expect(await states()).toEqual(['open', 'stopped', 'open']);
    expect(JSON.parse((await runCaptured(cwd, stop)).out)).toMatchObject({ changed: false });

    const listed = await runCaptured(cwd, ['task', 'list']);
    expect(listed.out).toMatch(/acme-desktop@2.*stopped.*incident 7.*0202/);
    expect(listed.out).toMatch(/acme-server@7.*open/);
    const json = JSON.parse((await runCaptured(cwd, ['task', 'list', '--json'])).out) as unknown[];
    expect(json).toEqual([
      { taskId: ID.one, name: 'acme-desktop', version: 1, state: 'open' },
      { ...view, state: 'stopped', reason: 'incident 7' },
      { taskId: ID.other, name: 'acme-server', version: 7, state: 'open' },
    ]);

    const resume = ['task', 'resume', ID.two, '--reason', 'over'];
    expect((await runCaptured(cwd, resume)).out).toBe(`Resumed acme-desktop@2, ${ID.two}\n`);
    expect((await runCaptured(cwd, resume)).out).toMatch(/^It was not stopped: acme-desktop@2/);
    expect(await states()).toEqual(['open', 'open', 'open']);
    const entries = await store.auditEntries();
    const actor = 'operator (command line)';
    const switched = entries.filter(({ subject }) => subject !== undefined);
    expect(switched).toMatchObject([
      { action: 'task.stopped', actor, subject: ID.two, details: { reason: 'incident 7' } },
      { action: 'task.resumed', actor, subject: ID.two, details: { reason: 'over' } },
    ]);
    expect(verifyChain(nativeSuite, entries).fault).toBeUndefined();
  });
});

it('takes a name that one version has', async () => {
  const cwd = await inFolder();
  const { out } = await runCaptured(cwd, ['task', 'stop', 'acme-server', '--reason', 'x']);
  expect(out).toBe(`Stopped acme-server@7, ${ID.other}\n`);
});

it('says the versions of a name that several have, and ids where these are the same too', async () => {
  const cwd = await inFolder();
  const stop = (name: string) => runCaptured(cwd, ['task', 'stop', name, '--reason', 'x']);
  const { code, err } = await stop('acme-desktop');
  expect(code).toBe(2);
  expect(err).toContain('expected one of acme-desktop@1, acme-desktop@2, got acme-desktop');
  const twin = { taskId: '04'.repeat(32), name: 'acme-server', version: 7, signedManifest: '{}' };
  await store.recordTask(twin, [{ action: 'task.recorded', actor: 'test', outcome: 'done' }]);
  expect((await stop('acme-server@7')).err).toContain(`one of ${ID.other}, ${twin.taskId}`);
  expect((await stop(twin.taskId)).code).toBe(0);
  expect((await store.tasks()).filter(({ state }) => state === 'stopped')).toMatchObject([twin]);
});

it.each([
  ['store-missing', ['list', '--store', 'elsewhere']],
  ['store-missing', ['stop', 'acme-server', '--reason', 'x', '--store', 'elsewhere']],
  ['task-ambiguous', ['stop', 'acme-desktop', '--reason', 'x']],
  ['task-ambiguous', ['resume', 'acme-desktop', '--reason', 'x']],
  ['record-missing', ['stop', 'acme-sever', '--reason', 'x']],
  ['record-missing', ['stop', 'ab'.repeat(32), '--reason', 'x']],
  ['record-missing', ['stop', 'acme-desktop@3', '--reason', 'x']],
  ['flag-invalid', ['stop', 'acme-server']],
  ['flag-invalid', ['stop', '--reason', 'x']],
  ['flag-invalid', ['resume', 'acme-server']],
  ['argument-invalid', ['stop', 'acme-server', '--reason', '']],
  ['argument-invalid', ['stop', 'acme-server', '--reason', 'a\nb']],
  ['argument-invalid', ['stop', 'acme-server', '--reason', 'x'.repeat(301)]],
  ['argument-invalid', ['resume', 'acme-server', '--reason', '']],
])('refuses: %s for %j', async (expected, args) => {
  const cwd = await inFolder();
  const { code, out } = await runCaptured(cwd, ['task', ...args, '--json']);
  expect([code, JSON.parse(out).error?.code ?? JSON.parse(out).code]).toEqual([2, expected]);
  expect((await store.tasks()).every(({ state }) => state === 'open')).toBe(true);
  expect(await store.auditEntries()).toHaveLength(TASKS.length);
});

it('guesses what a misspelt name was meant to be', async () => {
  const cwd = await inFolder();
  const { err } = await runCaptured(cwd, ['task', 'stop', 'acme-sever', '--reason', 'x']);
  expect(err).toContain('did you mean acme-server?');
});
