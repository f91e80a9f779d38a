import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifySignedManifest } from '@onlysum/task';
import { expect, test, vi } from 'vitest';
import { makeWorkspace } from './workspace.js';

const task = { devices: 5, versions: ['v 1'], nowMs: 1_800_000_000_000 };

test('what it writes fits together, only the owner reads it, and it is gone afterwards', async () => {
  const { directory, signedManifest, remove } = await makeWorkspace(task);
  const read = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(directory, name), 'utf8')) as Record<string, unknown>;
  const { manifest } = signedManifest;
  const publisher = parseHex('publisher', manifest.publisher, 32);
  const file = await read('manifest.signed.json');
  expect(verifySignedManifest(nativeSuite, file, publisher).manifest).toEqual(manifest);
  expect((await read('registrar.key.json'))['publicKey']).toBe(manifest.registrar);
  expect((await read('coordinator.key.json'))['publicKey']).toBe(manifest.coordinator.key);
  const { coordinator } = (await read('onlysum.yaml')) as { coordinator: { port: number } };
  expect(manifest.coordinator.url).toBe(`ws://127.0.0.1:${coordinator.port}`);
  const modes = (await readdir(directory)).map(async (name) => {
    return (await stat(join(directory, name))).mode & 0o777;
  });
  expect(new Set(await Promise.all(modes))).toEqual(new Set([0o600]));
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  await remove();
  expect(existsSync(directory)).toBe(false);
});

test('nothing is left behind when it cannot be made', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'onlysum-parent-'));
  vi.stubEnv('TMPDIR', parent);
  try {
    const made = makeWorkspace({ ...task, versions: ['no version!'] });
    await expect(made).rejects.toThrow('categories');
    expect(await readdir(parent)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await rm(parent, { recursive: true });
  }
});
