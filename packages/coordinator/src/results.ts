/**
 * Results on disk: one JSON file a round, whole or not at all. Knows: files. Doesn't know: rounds.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, describe } from '@onlysum/crypto';
import type { RoundRecord } from '@onlysum/protocol';
import type { PublishedResult } from './published-result.js';

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
function resultFileName({ task, window, round }: PublishedResult): string {
  const index = String(window.index).padStart(12, '0');
  return `${task.name}-v${task.version}-w${index}-${round}`;
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
