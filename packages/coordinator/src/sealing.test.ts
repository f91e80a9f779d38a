import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@onlysum/crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileSealing, freshSealing } from './sealing.js';

const place = { kind: 'result', task: 'ab', window: 1, round: 'cd' };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-sealing-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('makes a private key file once, whoever starts first', async () => {
  const path = join(directory, 'key');
  const all = await Promise.all(Array.from({ length: 8 }, () => fileSealing(path)));
  expect(new Set(all.map(({ keyId }) => keyId)).size).toBe(1);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['key']);
  const sealed = all[0]!.seal(utf8('sum'), place);
  const again = await fileSealing(path);
  expect(again.open(sealed, place)).toEqual(utf8('sum'));
  expect(() => again.open(sealed, { ...place, window: 2 })).toThrow(
    expect.objectContaining({ code: 'seal-open-failed' }),
  );
});

it('refuses a key file that others can read, or that cannot be made', async () => {
  const path = join(directory, 'key');
  await fileSealing(path);
  await chmod(path, 0o640);
  await expect(fileSealing(path)).rejects.toMatchObject({ code: 'seal-key-unavailable' });
  const nowhere = join(directory, 'none', 'key');
  await expect(fileSealing(nowhere)).rejects.toMatchObject({ code: 'seal-key-unavailable' });
});

it('seals under another key in every process without a file', () => {
  const sealed = freshSealing().seal(utf8('sum'), place);
  expect(() => freshSealing().open(sealed, place)).toThrow(
    expect.objectContaining({ code: 'seal-key-unknown' }),
  );
});
