/**
 * What earlier processes did not do to the files of results: killed between the store's commit and the file, or
 * with a folder that could not be written. Found by the audit log.
 * Knows: the log's entries. Doesn't know: files.
 * Invariant: nothing is found of before the last clean end but what that process itself said it had not
 * written: a file that was taken away since stays away.
 */
import type { AuditEntry, AuditEvent } from '@onlysum/service';
import { auditBackwards, CLOSED, STARTED } from './audit-backwards.js';
import { RESULT_DELETED, RESULT_TRIMMED } from './retention.js';
import { RESULT_STORED, roundEvent, SYSTEM } from './round-ledger.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { WindowName } from './store/records.js';
import { WINDOW_DECIDED } from './windows.js';

const RESULT_UNWRITTEN = 'result.unwritten';
const WINDOW_UNWRITTEN = 'window.unwritten';

/** For the audit log, so that the next process knows. */
export function resultUnwritten(round: string): AuditEvent {
  return { ...roundEvent(RESULT_UNWRITTEN, round, {}), outcome: 'failed' };
}

export function windowUnwritten({ taskId, window }: WindowName): AuditEvent {
  const about = { actor: SYSTEM, subject: taskId, outcome: 'failed' } as const;
  return { action: WINDOW_UNWRITTEN, ...about, details: { window } };
}

/** What may not have been done. Rounds by id. */
export interface UnfinishedFiles {
  readonly unwritten: ReadonlySet<string>;
  readonly trimmed: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
  /** Decided; their totals may not be written. */
  readonly windows: readonly WindowName[];
}

/** @returns all that was done to results since the last clean end, and what was not written before it. */
export async function unfinishedFiles(store: CoordinatorStore): Promise<UnfinishedFiles> {
  const unwritten = new Set<string>();
  const trimmed = new Set<string>();
  const deleted = new Set<string>();
  const windows = new Map<string, WindowName>();
  let hasEnd = false;
  for await (const entry of auditBackwards(store)) {
    const { action, subject = '' } = entry;
    if (hasEnd && action === STARTED) break;
    if (action === CLOSED) hasEnd = true;
    if (action === RESULT_UNWRITTEN) unwritten.add(subject);
    if (action === WINDOW_UNWRITTEN) windows.set(...namedWindow(entry));
    if (hasEnd) continue;
    if (action === RESULT_STORED) unwritten.add(subject);
    if (action === WINDOW_DECIDED) windows.set(...namedWindow(entry));
    if (action === RESULT_TRIMMED) trimmed.add(subject);
    if (action === RESULT_DELETED) deleted.add(subject);
  }
  return { unwritten, trimmed, deleted, windows: [...windows.values()] };
}

function namedWindow({ subject = '', details = {} }: AuditEntry): [string, WindowName] {
  const window = Number(details['window']);
  return [`${subject} ${window}`, { taskId: subject, window }];
}
