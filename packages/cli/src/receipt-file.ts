/** Receipts in a file, as `device submit --json` and `device receipts --json` print them. */
import type { LedgerEntry } from '@onlysum/client';
import { toHex } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { inFile, parseJson } from './files.js';

/** @throws {UsageError} `receipt-invalid`, or as `parseJson`. */
export async function readReceipts(path: string, text: string): Promise<readonly LedgerEntry[]> {
  const { parseReceipts } = await import('@onlysum/client');
  return inFile(path, () => parseReceipts(unchecked(parseJson(path, text))));
}

/** Another task, or another version of it, may name other keys. */
export function isReceiptOf({ task }: LedgerEntry, { taskId }: Task): boolean {
  return task.taskId === toHex(taskId);
}

/** `device receipts --json` adds what it found: here it is found again. */
function unchecked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unchecked);
  if (typeof value !== 'object' || value === null) return value;
  const { signatures: _found, ...rest } = value as Record<string, unknown>;
  return rest;
}
