/** Inputs and result as files, so that anyone can add up for themselves. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, describe } from '@onlysum/crypto';
import type { DeviceRecord } from './check.js';

/**
 * Writes `devices.json`, an array of `{index, survivor, input, noise}` with one number a lane, and
 * `result.json`, `{lanes}`: Σ(input + noise) over survivors is the result. Mode 0600: plain inputs.
 */
export async function writeDump(
  directory: string,
  records: readonly DeviceRecord[],
  survivors: readonly DeviceRecord[],
  lanes: readonly number[],
): Promise<void> {
  const devices = records.map((record) => ({
    index: record.index,
    survivor: survivors.includes(record),
    input: record.lanes ?? lanes.map(() => 0),
    // This version adds none.
    noise: lanes.map(() => 0),
  }));
  await writeJson(directory, 'devices.json', devices);
  await writeJson(directory, 'result.json', { lanes });
}

/** @throws {UsageError} `argument-invalid` if the folder cannot be made; to be found out early. */
export async function prepareDump(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const expected = 'a folder that can be made';
    throw new UsageError('argument-invalid', `dump: expected ${expected}: ${why}`, {
      field: 'dump',
      expected,
      got: describe(directory),
      cause: error,
    });
  }
}

function writeJson(directory: string, name: string, value: unknown): Promise<void> {
  return writeFile(join(directory, name), `${JSON.stringify(value)}\n`, { mode: 0o600 });
}
