/**
 * Heads of audit logs that somebody else has kept: as text, from files of such lines, out of receipts.
 * Knows: where they stand, and that those of receipts are signed. Doesn't know: the log.
 */
import { UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { AuditedRole } from '@onlysum/protocol';
import { type AuditHead, parseAuditHead, type SeenHead } from '@onlysum/service';
import { inFile, readText } from './files.js';
import { isReceiptOf, readReceipts } from './receipt-file.js';
import { loadTask } from './tasks.js';

/** @returns the first word of each line that has any: `onlysum audit head` adds the time. */
export function readHeads(path: string): AuditHead[] {
  const lines = readText(path).split('\n');
  return inFile(path, () =>
    lines.flatMap((line) => {
      const [head] = line.trim().split(/\s+/);
      return head === undefined || head === '' ? [] : [parseAuditHead(head)];
    }),
  );
}

export interface HeadsOfReceipts {
  readonly heads: readonly SeenHead[];
  /** Receipts of another task or version, or without such a head: a server may have said nothing. */
  readonly without: number;
}

/** What a server had entered when it said its head to the devices of a round. */
const TOLD = { coordinator: 'round.opened', registrar: 'survivor-set.attested' } as const;

/**
 * What one server has said of its log in receipts of one task.
 *
 * @param manifest - path of the task's signed manifest; it names the keys.
 * @throws {UsageError} `file-invalid` if no receipt has one; `receipt-invalid` if one does not hold.
 */
export async function headsOfReceipts(
  path: string,
  manifest: string,
  role: AuditedRole,
): Promise<HeadsOfReceipts> {
  const { checkReceipt } = await import('@onlysum/client');
  const task = loadTask(manifest);
  const { registrar, coordinator } = task.manifest;
  const entries = await readReceipts(path, readText(path));
  const heads = inFile(path, () =>
    entries.flatMap((entry): SeenHead[] => {
      if (entry.kind === 'sent' || !isReceiptOf(entry, task)) return [];
      checkReceipt(entry, { registrar, coordinator: coordinator.key }, nativeSuite);
      const head = entry.auditHeads[role];
      if (head === null) return [];
      const { sequence, digest } = head;
      return [{ sequence, digest, tells: { action: TOLD[role], subject: entry.round } }];
    }),
  );
  if (heads.length > 0) return { heads, without: entries.length - heads.length };
  const expected = `a receipt of ${manifest} with an audit head of the ${role}`;
  throw new UsageError('file-invalid', `${path}: expected ${expected}, got none`, {
    field: path,
    expected,
    got: 'none',
  });
}
