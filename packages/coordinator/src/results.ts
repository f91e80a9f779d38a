/**
 * Results on disk: one JSON file a round and one a window, whole or not at all. Knows: files. Doesn't
 * know: rounds.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, describe } from '@onlysum/crypto';
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
    const probe = join(directory, `.probe-${process.pid}`);
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
  return saveWhole(directory, `${resultFileName(result)}.json`, result);
}

/** As {@link saveResult}; the record lies beside its result. */
export async function saveRecord(
  directory: string,
  result: PublishedResult,
  record: RoundRecord,
): Promise<string> {
  return saveWhole(directory, `${resultFileName(result)}.record.json`, record);
}

/** As {@link saveResult}, of a window that is decided. */
export async function saveWindow(directory: string, report: WindowReport): Promise<string> {
  return saveWhole(directory, windowFileName(report), report);
}

/** Writes the files again that are there, without what was deleted of it; a round record goes. */
export async function replaceResult(
  directory: string,
  result: PublishedResult,
  report: WindowReport | undefined,
): Promise<void> {
  const name = resultFileName(result);
  await rm(join(directory, `${name}.record.json`), { force: true });
  if (await isThere(directory, `${name}.json`)) await saveResult(directory, result);
  if (report !== undefined && (await isThere(directory, windowFileName(report)))) {
    await saveWindow(directory, report);
  }
}

/** Removes all that was written of a round, and the total of its window. */
export async function removeResult(directory: string, result: ResultFile): Promise<void> {
  const name = resultFileName(result);
  for (const file of [`${name}.json`, `${name}.record.json`, windowFileName(result)]) {
    await rm(join(directory, file), { force: true });
  }
  await syncDirectory(directory);
}

async function isThere(directory: string, name: string): Promise<boolean> {
  return (await readdir(directory)).includes(name);
}

async function saveWhole(directory: string, name: string, value: object): Promise<string> {
  const path = join(directory, name);
  const partial = `${path}.partial`;
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

/** Names sort by task, then by window. @returns the name without its ending. */
function resultFileName(result: ResultFile): string {
  return `${windowName(result)}-${result.round}`;
}

function windowFileName(window: WindowFile): string {
  return `${windowName(window)}-window.json`;
}

function windowName({ task, window }: WindowFile): string {
  return `${task.name}-v${task.version}-w${String(window.index).padStart(12, '0')}`;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
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
