import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import {
  freshSealing,
  memoryCoordinatorStore,
  type PublishedResult,
  startCoordinator,
} from '@onlysum/coordinator';
import { afterEach, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import { captureLog, enrolDevices, runDevices, until } from './wire-fleet.js';

const start = closedAfterEach();
const DAY_MS = 86_400_000;
const WINDOW_MS = 4_000;

let directory = '';
afterEach(() => rm(directory, { recursive: true, force: true }));

it('deletes each metric when its time is over, and a result when that of all is', async () => {
  directory = await mkdtemp(join(tmpdir(), 'onlysum-retention-'));
  const store = memoryCoordinatorStore();
  const sealing = freshSealing();
  const kept = { store, sealing, resultsDir: directory };
  const fleet = await start({
    ...{ window: WINDOW_MS, retentionDays: 30 },
    coordinator: { ...kept, exportRounds: true },
  });
  const { task, keys, registrar, coordinator } = fleet;
  const taskId = toHex(task.taskId);
  await runDevices(fleet, await enrolDevices(fleet, 5));
  await until(() => fleet.results.length === 1);
  const [{ round, window }] = fleet.results as [PublishedResult];
  await until(() => fleet.log.lines.some((line) => line.includes(`"decision":"closed"`)));
  await coordinator.close();
  const before = await readdir(directory);
  expect(before.filter((name) => name.includes(round))).toHaveLength(2);

  /** Starts a coordinator so many days later, and ends it. */
  const after = async (days: number) => {
    const { logger, lines } = captureLog();
    const later = await startCoordinator({
      ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 },
      ...{ ...kept, logger, now: () => Date.now() + days * DAY_MS },
    });
    const report = await later.windowResult(taskId, window.index);
    await later.close();
    const actions = (await store.auditEntries({ limit: 1000 })).map(({ action }) => action);
    return { report, lines, ends: actions.filter((action) => /trimmed|deleted/.test(action)) };
  };
  const metricsOf = (value: unknown) =>
    Object.keys((value as { estimates: PublishedResult['estimates'] }).estimates.metrics);
  const fileOf = async (suffix: string) => {
    const name = (await readdir(directory)).find((file) => file.endsWith(suffix)) ?? '';
    return JSON.parse(await readFile(join(directory, name), 'utf8')) as unknown;
  };

  // Of a process that was killed while it wrote.
  const partial = join(directory, `${before[0]}.0123456789ab.partial`);
  await writeFile(partial, '{"lanes":[1');
  await utimes(partial, new Date(0), new Date(0));
  const early = await after(29.9);
  expect((await readdir(directory)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  expect(early).toMatchObject({ report: { state: 'closed' }, ends: [] });
  expect(metricsOf(early.report)).toEqual(['crashes', 'startup_ms']);

  const trimmed = await after(30.1);
  expect(trimmed).toMatchObject({ report: { state: 'closed' }, ends: ['result.trimmed'] });
  expect(metricsOf(trimmed.report)).toEqual(['startup_ms']);
  expect(metricsOf(await fileOf(`${round}.json`))).toEqual(['startup_ms']);
  expect((await readdir(directory)).some((name) => name.endsWith('.record.json'))).toBe(false);
  const [result] = await store.results(taskId);
  const { sealed } = result!;
  const place = { kind: 'result', task: taskId, window: window.index, round };
  const { lanes } = JSON.parse(new TextDecoder().decode(sealing.open(sealed, place)));
  const ofCrashes = task.layout.lanes.filter(({ metric }) => metric === 'crashes');
  for (const { index } of ofCrashes) expect(lanes[index]).toBeNull();
  expect(lanes.filter((lane: unknown) => lane === null)).toHaveLength(ofCrashes.length);

  const again = await after(31);
  expect(again.ends).toEqual(['result.trimmed']);

  const deleted = await after(90.1);
  expect(deleted.report).toMatchObject({ state: 'deleted' });
  expect(deleted.report).not.toHaveProperty('lanes');
  expect(deleted.ends).toEqual(['result.trimmed', 'result.deleted']);
  expect(deleted.lines.join('')).toContain('result deleted');
  expect(await store.results(taskId)).toEqual([]);
  const left = await readdir(directory);
  expect(left.filter((name) => name.includes(String(window.index)))).toEqual([]);
  // What is known of the round stays.
  expect(await store.round(round)).toMatchObject({ state: 'opened', hasResult: false });
});
