/**
 * Results on disk: one JSON file a round and one a window, whole or not at all. Knows: files. Doesn't
 * know: rounds.
 * Invariant: what a killed process left half-written is gone after the next look for it that is a minute
 * later.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, describe, toHex } from '@onlysum/crypto';
import type { RoundRecord } from '@onlysum/protocol';
import type { PublishedResult } from './published-result.js';
import type { WindowReport } from './window-report.js';

/** What names a file. */
interface WindowFile {
  readonly task: { readonly name: string; readonly version: number };
  readonly window: { readonly index: number };
}

export interface ResultFile extends WindowFile {
  readonly round: string;
}

/** @throws {UsageError} `argument-invalid` if the folder cannot be made or written. */
export async function prepareResultsDir(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const probe = partialOf(join(directory, 'probe'));
    await writeDurably(probe, '');
    await rm(probe);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const expected = 'a folder that can be written';
    throw new UsageError('argument-invalid', `resultsDir: expected ${expected}: ${why}`, {
      field: 'resultsDir',
      expected,
      got: describe(directory),
      cause: error,
    });
  }
}

/**
 * Writes beside, then renames; both are on disk when it resolves. Mode 0600.
 *
 * @returns the file's path.
 */
export async function saveResult(directory: string, result: PublishedResult): Promise<string> {
  return saveWhole(directory, roundFiles(result).result, result);
}

/** As {@link saveResult}; the record lies beside its result. */
export async function saveRecord(
  directory: string,
  result: ResultFile,
  record: RoundRecord,
): Promise<string> {
  return saveWhole(directory, roundFiles(result).record, record);
}

/** As {@link saveResult}, of a window that is decided. */
export async function saveWindow(directory: string, report: WindowReport): Promise<string> {
  return saveWhole(directory, windowFile(report), report);
}

/** Writes the files again that are there, without what was deleted of it; a round record goes. */
export async function replaceResult(
  directory: string,
  result: PublishedResult,
  report: WindowReport | undefined,
): Promise<void> {
  const names = roundFiles(result);
  await rm(join(directory, names.record), { force: true });
  const there = await filesIn(directory);
  if (there.has(names.result)) await saveResult(directory, result);
  if (report !== undefined && there.has(windowFile(report))) await saveWindow(directory, report);
}

/** Removes all that was written of a round, and the total of its window. */
export async function removeResult(directory: string, result: ResultFile): Promise<void> {
  for (const file of [...Object.values(roundFiles(result)), windowFile(result)]) {
    await rm(join(directory, file), { force: true });
  }
  await syncDirectory(directory);
}

/**
 * Removes what processes that were killed while they wrote left of their files: it holds lanes as well.
 * Another process may be writing here, so what is younger than a minute stays until the next time. Whoever
 * is slower than that fails to rename, and writes it again.
 *
 * @returns how many there were.
 */
export async function removeAbandoned(directory: string): Promise<number> {
  let removed = 0;
  for (const name of await filesIn(directory)) {
    if (!PARTIAL.test(name)) continue;
    const path = join(directory, name);
    // Modified by the machine's clock, whichever the coordinator goes by; it may have been set back.
    const modified = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (modified === undefined || Math.abs(Date.now() - modified) < ABANDONED_MS) continue;
    await rm(path, { force: true });
    removed++;
  }
  if (removed > 0) await syncDirectory(directory);
  return removed;
}

/** Names. */
export async function filesIn(directory: string): Promise<ReadonlySet<string>> {
  return new Set(await readdir(directory));
}

/** Names of files; they sort by task, then by window. */
export function roundFiles(result: ResultFile): Record<'result' | 'record', string> {
  const name = `${windowName(result)}-${result.round}`;
  return { result: `${name}.json`, record: `${name}.record.json` };
}

export function windowFile(window: WindowFile): string {
  return `${windowName(window)}-window.json`;
}

function windowName({ task, window }: WindowFile): string {
  return `${task.name}-v${task.version}-w${String(window.index).padStart(12, '0')}`;
}

const ABANDONED_MS = 60_000;
/** Of ours only, also those of versions whose partial files had one name. */
const PARTIAL =
  /^(?:.+-v\d+-w\d{12,}-(?:[0-9a-f]{32}(?:\.record)?|window)\.json|probe)(?:\.[0-9a-f]{12})?\.partial$/;

/** Of one writer alone: two that write the same file do not spoil it for each other. */
function partialOf(path: string): string {
  return `${path}.${toHex(randomBytes(6))}.partial`;
}

async function saveWhole(directory: string, name: string, value: object): Promise<string> {
  const path = join(directory, name);
  const partial = partialOf(path);
  try {
    await writeDurably(partial, `${JSON.stringify(value, undefined, 2)}\n`);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncDirectory(directory);
  return path;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
