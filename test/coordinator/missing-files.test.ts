import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CoordinatorStore,
  freshSealing,
  memoryCoordinatorStore,
  type PublishedResult,
  startCoordinator,
} from '@onlysum/coordinator';
import { parseRoundRecord, verifyRoundRecord } from '@onlysum/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import { captureLog, enrolDevices, type Fleet, runDevices, suite, until } from './wire-fleet.js';

const start = closedAfterEach();
const DAY_MS = 86_400_000;
const WINDOW_MS = 4_000;

let resultsDir = '';
beforeEach(async () => {
  resultsDir = await mkdtemp(join(tmpdir(), 'onlysum-missing-'));
});
afterEach(() => rm(resultsDir, { recursive: true, force: true }));

/** A fleet with one round, and what its coordinator keeps. */
async function opened(canWrite: boolean, isDecided = false) {
  const kept = { store: memoryCoordinatorStore(), sealing: freshSealing(), resultsDir };
  const fleet = await start({
    ...{ window: WINDOW_MS, retentionDays: 30 },
    coordinator: { ...kept, exportRounds: true },
  });
  // No file can be made in it until it is there again.
  if (!canWrite) await rm(resultsDir, { recursive: true });
  await runDevices(fleet, await enrolDevices(fleet, 5));
  await until(() => fleet.results.length === 1);
  if (isDecided) {
    await until(() => fleet.log.lines.some((line) => line.includes('"decision":"closed"')));
    const end = canWrite ? 'window written' : '"attempt":3';
    await until(() => fleet.log.lines.some((line) => line.includes(end) && line.includes('indow')));
  }
  const [result] = fleet.results as [PublishedResult];
  return { fleet, kept, result };
}

/** Starts the next coordinator so many days later, and ends it. */
async function nextStart(
  { task, keys, registrar }: Fleet,
  kept: Awaited<ReturnType<typeof opened>>['kept'],
  { days = 0, exportRounds = true } = {},
): Promise<void> {
  await mkdir(resultsDir, { recursive: true });
  const coordinator = await startCoordinator({
    ...{ tasks: [task], seed: keys.coordinator, registrar, host: '127.0.0.1', port: 0 },
    ...{ ...kept, exportRounds, logger: captureLog().logger },
    now: () => Date.now() + days * DAY_MS,
  });
  await coordinator.close();
}

/** As if killed before it could say what it had not written, or that it ended. */
function wordless<T extends { readonly store: CoordinatorStore }>(kept: T): T {
  const latestAuditEntries = async () => {
    const entries = await kept.store.latestAuditEntries({ limit: 400 });
    return entries.filter(({ action }) => !/\.(?:closed|unwritten)$/.test(action));
  };
  return { ...kept, store: { ...kept.store, latestAuditEntries } };
}

async function filesOf({ window }: PublishedResult): Promise<string[]> {
  const names = await readdir(resultsDir);
  return names.filter((name) => name.includes(`-w${String(window.index).padStart(12, '0')}-`));
}

async function contentOf(result: PublishedResult, suffix: string): Promise<unknown> {
  const name = (await filesOf(result)).find((file) => file.endsWith(suffix)) ?? '';
  return JSON.parse(await readFile(join(resultsDir, name), 'utf8'));
}

describe('files that were not written', () => {
  it.each([
    ['was killed', false],
    ['ended well', true],
  ])('are written from the store when the coordinator that could not %s', async (_, isEnd) => {
    const { fleet, kept, result } = await opened(false);
    if (isEnd) await fleet.coordinator.close();
    await nextStart(fleet, isEnd ? kept : wordless(kept));
    expect(await contentOf(result, `${result.round}.json`)).toEqual(result);
    const record = parseRoundRecord(await contentOf(result, '.record.json'));
    expect(verifyRoundRecord(suite, fleet.task, record).lanes).toEqual(result.lanes);
  });

  it.each([
    ['a kill', false],
    ['a clean end', true],
  ])('include the total of a window, after %s', async (_, isEnd) => {
    const { fleet, kept, result } = await opened(false, true);
    if (isEnd) await fleet.coordinator.close();
    await nextStart(fleet, isEnd ? kept : wordless(kept));
    expect(await contentOf(result, '-window.json')).toMatchObject({
      state: 'closed',
      lanes: result.lanes,
    });
  });

  it('come without a round record unless records are exported now', async () => {
    const { fleet, kept, result } = await opened(false);
    await nextStart(fleet, kept, { exportRounds: false });
    expect((await filesOf(result)).filter((name) => name.includes(result.round))).toHaveLength(1);
  });

  it('say nothing of a window whose results are deleted', async () => {
    const { fleet, kept, result } = await opened(false, true);
    await nextStart(fleet, wordless(kept), { days: 90.1 });
    expect(await filesOf(result)).toEqual([]);
  });

  it('come without what has ended since', async () => {
    const { fleet, kept, result } = await opened(false);
    await nextStart(fleet, kept, { days: 30.1 });
    const { estimates } = (await contentOf(result, `${result.round}.json`)) as PublishedResult;
    expect(Object.keys(estimates.metrics)).toEqual(['startup_ms']);
    expect((await filesOf(result)).filter((name) => name.includes('.record.'))).toEqual([]);
    await rm(join(resultsDir, (await filesOf(result))[0] ?? ''));
    await nextStart(fleet, kept, { days: 90.1 });
    expect(await filesOf(result)).toEqual([]);
  });
});

it.each([
  ['lost a metric', 30.1, ['startup_ms']],
  ['was deleted', 90.1, undefined],
])('puts right the files of a result that %s before a kill', async (_, days, metrics) => {
  const { fleet, kept, result } = await opened(true, true);
  const names = await filesOf(result);
  const contents = await Promise.all(names.map((name) => readFile(join(resultsDir, name))));
  await nextStart(fleet, kept, { days });
  // As they were when the store had done it and the process was killed: it said no word of its end.
  for (const [i, name] of names.entries()) await writeFile(join(resultsDir, name), contents[i]!);
  await nextStart(fleet, wordless(kept), { days });
  if (metrics === undefined) return expect(await filesOf(result)).toEqual([]);
  for (const suffix of [`${result.round}.json`, '-window.json']) {
    const { estimates } = (await contentOf(result, suffix)) as PublishedResult;
    expect(Object.keys(estimates.metrics)).toEqual(metrics);
  }
  expect(await filesOf(result)).toHaveLength(2);
});

it('leaves away what was taken away before a clean end', async () => {
  const { fleet, kept, result } = await opened(true, true);
  expect(await filesOf(result)).toHaveLength(3);
  for (const name of await filesOf(result)) await rm(join(resultsDir, name));
  await fleet.coordinator.close();
  await nextStart(fleet, kept);
  expect(await filesOf(result)).toEqual([]);
});

it('keeps the record under the seal of its sum, until the first metric ends', async () => {
  const { fleet, kept, result } = await opened(true);
  const plain = async () => {
    const { sealed } = (await kept.store.result(result.round))!;
    const [task, window, round] = [result.task.taskId, result.window.index, result.round];
    const place = { kind: 'result', task, window, round };
    return new TextDecoder().decode(kept.sealing.open(sealed, place));
  };
  const { record } = JSON.parse(await plain()) as { record: unknown };
  expect(parseRoundRecord(record).lanes).toEqual(result.lanes);
  await nextStart(fleet, kept, { days: 30.1 });
  expect(await plain()).not.toContain('maskedTotal');
});
