import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareDump, writeDump } from './dump.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-dump-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('every device is there with one number a lane, survivors marked', async () => {
  const survivor = { index: 0, place: 1, lanes: [3, 0], vector: '00' };
  const dropped = { index: 1, place: 0, lanes: [4, 1], vector: undefined };
  const folder = join(directory, 'new', 'folder');
  await prepareDump(folder);
  await writeDump(folder, [survivor, dropped], [survivor], [3, 0]);
  expect(JSON.parse(await readFile(join(folder, 'devices.json'), 'utf8'))).toEqual([
    { index: 0, survivor: true, input: [3, 0], noise: [0, 0] },
    { index: 1, survivor: false, input: [4, 1], noise: [0, 0] },
  ]);
  expect(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'))).toEqual({
    lanes: [3, 0],
  });
});

test('a folder that cannot be made is refused by name', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(prepareDump(join(file, 'folder'))).rejects.toThrow('dump: expected a folder');
});
