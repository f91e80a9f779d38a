import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishedResult } from './published-result.js';
import { prepareResultsDir, removeAbandoned, saveResult } from './results.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-results-'));
});
afterEach(() => rm(directory, { recursive: true }));

const result = {
  task: { name: 'acme', version: 2, taskId: '00' },
  window: { index: 7, startMs: 0, endMs: 1, epoch: 0 },
  round: 'ab'.repeat(16),
  lanes: [1, 2, 3],
} as unknown as PublishedResult;
const fileName = `acme-v2-w000000000007-${'ab'.repeat(16)}.json`;

describe('results on disk', () => {
  it('are whole, private, and alone in their folder', async () => {
    const path = await saveResult(directory, result);
    expect(path).toBe(join(directory, fileName));
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(result);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual([fileName]);
  });

  it('leave nothing half-written behind when they cannot be written', async () => {
    // A folder stands where the file has to go.
    await mkdir(join(directory, fileName));
    await writeFile(join(directory, fileName, 'x'), '');
    await expect(saveResult(directory, result)).rejects.toThrow();
    expect(await readdir(directory)).toEqual([fileName]);
  });

  it('have their folder made, private, and found writable at start', async () => {
    const nested = join(directory, 'a', 'b');
    await prepareResultsDir(nested);
    expect((await stat(nested)).mode & 0o777).toBe(0o700);
    expect(await readdir(nested)).toEqual([]);
  });

  it('leave nothing of writers that were killed: only ours, only what nobody still writes', async () => {
    const name = `acme-v2-w000000000007-${'ab'.repeat(16)}`;
    const window = 'acme-v2-w000000000007-window.json';
    const ours = [
      `${name}.json.0123456789ab.partial`,
      `${name}.record.json.0123456789ab.partial`,
      `${window}.0123456789ab.partial`,
      `${name}.json.partial`,
      'probe.0123456789ab.partial',
    ];
    const others = [
      `${name}.json`,
      window,
      'notes.partial',
      `${name}.txt.partial`,
      `${name}.json.bak`,
    ];
    const old = new Date(Date.now() - 61_000);
    for (const file of [...ours, ...others]) {
      await writeFile(join(directory, file), '{');
      await utimes(join(directory, file), old, old);
    }
    const young = `${name}.json.ffffffffffff.partial`;
    await writeFile(join(directory, young), '{');
    const ahead = `${name}.json.eeeeeeeeeeee.partial`;
    await writeFile(join(directory, ahead), '{');
    await utimes(join(directory, ahead), new Date(), new Date(Date.now() + 61_000));
    expect(await removeAbandoned(directory)).toBe(ours.length + 1);
    expect(new Set(await readdir(directory))).toEqual(new Set([...others, young]));
  });

  it('may be written by two at once', async () => {
    await Promise.all([saveResult(directory, result), saveResult(directory, result)]);
    expect(await readdir(directory)).toEqual([fileName]);
  });

  it('refuse a folder that is a file', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    await chmod(file, 0o600);
    await expect(prepareResultsDir(file)).rejects.toMatchObject({ field: 'resultsDir' });
  });
});
