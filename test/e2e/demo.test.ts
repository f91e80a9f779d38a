/** The demo as its users run it: the command, real processes, real sockets, and an exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const command = fileURLToPath(new URL('../../packages/cli/bin/onlysum.js', import.meta.url));
let directory: string;
/** Where the demo makes its own folder: nothing may be left in it. */
let temporary: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-demo-test-'));
  temporary = join(directory, 'temporary');
  await mkdir(temporary);
});
afterAll(() => rm(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once standard error holds `text`. */
  said(text: string): Promise<void>;
}

function demo(...args: string[]): Running {
  const child = spawn(process.execPath, [command, 'demo', ...args], {
    cwd: directory,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  const said = async (text: string): Promise<void> => {
    while (!err.includes(text)) await once(child.stderr, 'data');
  };
  return { child, ended, said };
}

const KEYS = [
  'devices',
  'survivors',
  'dropped',
  'silentAfterMasked',
  'resumed',
  'lanes',
  'mismatchedLanes',
  'bytesUpPerDevice',
  'bytesDownPerDevice',
  'deviceCpuMs',
  'coordinatorCpuMs',
  'roundMs',
];

test('twelve devices: one JSON value, and the dump adds up', { timeout: 180_000 }, async () => {
  const { code, out, err } = await demo('--devices', '12', '--json', '--dump', 'dump').ended;
  expect(code, err).toBe(0);
  const summary = JSON.parse(out) as Record<string, number> & { dropped: Record<string, number> };
  expect(Object.keys(summary)).toEqual(KEYS);
  expect(summary).toMatchObject({ devices: 12, survivors: 11, resumed: 1, mismatchedLanes: 0 });
  expect(summary.dropped).toEqual({ 'share-keys': 0, 'masked-input': 1, total: 1 });
  for (const name of KEYS.slice(KEYS.indexOf('bytesUpPerDevice')))
    expect(summary[name], name).toBeGreaterThan(0);

  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(directory, 'dump', name), 'utf8'));
  const devices = (await read('devices.json')) as Device[];
  const { lanes } = (await read('result.json')) as { lanes: number[] };
  const survivors = devices.filter(({ survivor }) => survivor);
  expect(devices.map(({ index }) => index)).toEqual(devices.map((_, i) => i));
  expect(survivors).toHaveLength(11);
  expect(lanes).toHaveLength(summary['lanes'] ?? 0);
  const sums = lanes.map((_, j) =>
    survivors.reduce((sum, { input, noise }) => sum + (input[j] ?? 0) + (noise[j] ?? 0), 0),
  );
  expect(sums).toEqual(lanes);
  // The first lane counts those who gave the essential group: everybody.
  expect(lanes[0]).toBe(11);
  expect(new Set(devices.map(({ input }) => input.join())).size).toBeGreaterThan(1);
  expect(await readdir(temporary)).toEqual([]);
});

interface Device {
  readonly index: number;
  readonly survivor: boolean;
  readonly input: readonly number[];
  readonly noise: readonly number[];
}

test('a killed process and drops at several points: the tables say so, and the sum is right', {
  timeout: 180_000,
}, async () => {
  const { code, out, err } = await demo('--devices', '44').ended;
  expect(code, err).toBe(0);
  expect(err).toMatch(/worker 5 \(process \d+\) was killed with its device/);
  expect(out).toMatch(/of them silent after their masked input │ 2 /);
  expect(out).toMatch(/broken connections that were resumed\s+│ 2, 2 planned/);
  expect(out).toMatch(/in stage share-keys\s+│ 1 /);
  expect(out).toMatch(/in stage masked-input\s+│ 1 /);
  expect(out).toContain('lanes equal the plain sum over 42 survivors');
  expect(out).toContain('all three signatures hold');
});

test('a falsified check value makes it fail', { timeout: 180_000 }, async () => {
  const { code, out, err } = await demo('--devices', '5', '--json', '--corrupt-lane', '0').ended;
  expect(code).toBe(1);
  expect((JSON.parse(out) as { mismatchedLanes: number }).mismatchedLanes).toBe(1);
  expect(err).toMatch(
    /difference: lane 0 \(essential\.respondents\): the opened sum is 4, .* is 5/,
  );
});

test.each([
  ['--devices', '3', 'devices: expected at least 4, got 3'],
  ['--corrupt-lane', '9999', 'corruptLane: expected a lane of the vector, 0 to'],
])('%s %s is refused before anything starts', async (flag, value, message) => {
  const { code, out, err } = await demo(flag, value).ended;
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain(message);
  expect(await readdir(temporary)).toEqual([]);
});

test('SIGINT ends it with all its processes', { timeout: 180_000 }, async () => {
  const running = demo('--devices', '20');
  await running.said('have enrolled');
  running.child.kill('SIGINT');
  const { code, err } = await running.ended;
  expect(code).toBe(130);
  const processes = [...err.matchAll(/\(process (\d+)\)/g)].map(([, id]) => Number(id));
  expect(processes.length).toBeGreaterThanOrEqual(2);
  for (const id of processes) expect(() => process.kill(id, 0), `process ${id}`).toThrow('ESRCH');
  expect(await readdir(temporary)).toEqual([]);
});
