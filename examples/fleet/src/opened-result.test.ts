import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { firstResult, parseResult, survivorPlaces } from './opened-result.js';

const complete = {
  devices: 9,
  survivors: 8,
  dropped: [{ stage: 'masked-input', code: 'connection-lost', count: 1 }],
  silentAfterMasked: 0,
  lanes: [1, 2],
  roundMs: 12.5,
  cpuMs: 3,
  attested: { t: 5, survivorSet: 'fb01' },
};
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-result-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a complete result is taken as it is, and says who survived', () => {
  const result = parseResult(JSON.stringify(complete));
  expect(result).toEqual(complete);
  expect(survivorPlaces(result)).toEqual([0, 1, 3, 4, 5, 6, 7, 8]);
});

test('the sum of what nobody gave is withheld, and is none', () => {
  const result = parseResult(JSON.stringify({ ...complete, lanes: [1, null] }));
  expect(result.lanes).toEqual([1, 0]);
});

test.each([
  ['devices', { devices: 'nine' }],
  ['roundMs', { roundMs: undefined }],
  ['lanes', { lanes: [1, 2.5] }],
  ['dropped', { dropped: [{ stage: 'masked-input' }] }],
  ['attested.t', { attested: { survivorSet: 'fb01' } }],
  ['attested.survivorSet', { attested: { t: 5 } }],
])('a result without %s is refused by name', (part, change) => {
  expect(() => parseResult(JSON.stringify({ ...complete, ...change }))).toThrow(`lacks ${part}`);
});

test('the first result is waited for; a file half written is not taken', async () => {
  await writeFile(join(directory, 'a.json.partial'), '{');
  const found = firstResult(directory, new AbortController().signal);
  setTimeout(() => void writeFile(join(directory, 'b.json'), JSON.stringify(complete)), 80);
  expect((await found).lanes).toEqual([1, 2]);
});

test('waiting for a result ends with the demo', async () => {
  const stop = new AbortController();
  const found = firstResult(join(directory, 'none'), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(found).rejects.toThrow('stopped');
});
