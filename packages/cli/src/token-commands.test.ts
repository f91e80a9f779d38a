import { join } from 'node:path';
import { lmdbCoordinatorStore } from '@onlysum/coordinator';
import { nativeSuite } from '@onlysum/crypto/node';
import { checkToken, tokenId, verifyChain } from '@onlysum/service';
import { afterAll, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';

const folders = caseFolders('onlysum-token-');
afterAll(folders.remove);

/** A store that is open here, as that of a running coordinator is. */
async function openStore() {
  const cwd = folders.make();
  const store = lmdbCoordinatorStore(join(cwd, 'coordinator-store'));
  const task = { taskId: 'ab'.repeat(32), name: 'acme-desktop', version: 1, signedManifest: '{}' };
  await store.recordTask(task, [{ action: 'task.recorded', actor: 'test', outcome: 'done' }]);
  return { cwd, store };
}

it('makes a token that holds, printed once, while the store is open elsewhere', async () => {
  const { cwd, store } = await openStore();
  const flags = ['--role', 'analyst', '--name', 'Ann', '--days', '7', '--task', 'acme-desktop'];
  const { code, out } = await runCaptured(cwd, ['token', 'create', ...flags]);
  expect(code).toBe(0);
  const token = out.trim();
  const record = await store.token(tokenId(token));
  expect(checkToken(nativeSuite, token, record, Date.now())).toMatchObject({
    ...{ role: 'analyst', name: 'Ann', tasks: ['acme-desktop'] },
  });
  expect(record!.expiresMs - record!.createdMs).toBe(7 * 24 * 3_600_000);
  const listed = await runCaptured(cwd, ['token', 'list']);
  expect(listed.out).toMatch(/Ann.*analyst.*acme-desktop.*holds/);
  const entries = await store.auditEntries();
  const secret = token.split('_')[2]!;
  expect(`${listed.out}${JSON.stringify([entries, record])}`).not.toContain(secret);
  expect(entries.at(-1)).toMatchObject({ action: 'token.created', actor: 'command' });

  const id = tokenId(token);
  const revoked = await runCaptured(cwd, ['token', 'revoke', id, '--json']);
  expect(JSON.parse(revoked.out)).toMatchObject({ id, revokedMs: expect.any(Number) });
  const after = await store.token(id);
  expect(() => checkToken(nativeSuite, token, after, Date.now())).toThrow(/revoked/);
  const json = await runCaptured(cwd, ['token', 'list', '--json']);
  expect(JSON.parse(json.out)).toMatchObject([{ id, name: 'Ann' }]);
  expect(json.out).not.toContain('hash');
  expect(verifyChain(nativeSuite, await store.auditEntries()).fault).toBeUndefined();
  await store.close();
});

it.each([
  ['store-missing', ['list', '--store', 'elsewhere']],
  ['flag-invalid', ['create', '--role', 'root', '--name', 'x']],
  ['flag-invalid', ['create', '--role', 'analyst']],
  ['flag-invalid', ['create', '--role', 'analyst', '--name', 'x', '--days', '367']],
  ['argument-invalid', ['create', '--role', 'analyst', '--name', 'x', '--task', 'acme-desktp']],
  ['argument-invalid', ['create', '--role', 'analyst', '--name', 'x\n']],
  ['record-missing', ['revoke', '0123456789abcdef']],
  ['flag-invalid', ['revoke', 'nonsense']],
])('refuses: %s for %j', async (expected, args) => {
  const { cwd, store } = await openStore();
  const { code, out } = await runCaptured(cwd, ['token', ...args, '--json']);
  expect([code === 0, JSON.parse(out).error?.code ?? JSON.parse(out).code]).toEqual([
    false,
    expected,
  ]);
  expect(await store.tokens()).toEqual([]);
  await store.close();
});

it('does not show the secret of a token that was pasted for its id', async () => {
  const { cwd, store } = await openStore();
  const { out, err } = await runCaptured(cwd, [
    'token',
    'revoke',
    `onlysum_0123456789abcdef_${'ab'.repeat(32)}`,
  ]);
  expect(`${out}${err}`).not.toContain('abab');
  await store.close();
});
