/**
 * Files of results that earlier processes did not write: killed between the store's commit and the file, or
 * with a folder that could not be written. Found by the audit log, made up for from the store.
 * Knows: the log's entries, names of files. Doesn't know: how files are written.
 * Invariant: nothing is found of before the last clean end but what that process itself said it had not
 * written: a file that was taken away since stays away.
 */
import type { AuditEntry, AuditEvent } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import { auditBackwards, CLOSED, STARTED } from './audit-backwards.js';
import { RESULT_STORED, roundEvent, SYSTEM } from './round-ledger.js';
import { type ResultFile, roundFiles, windowFile } from './results.js';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { StoredResult, WindowName } from './store/records.js';
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

export interface MissingFiles {
  readonly results: readonly (readonly [Task, StoredResult])[];
  readonly windows: readonly WindowName[];
}

/**
 * @param tasks - those whose files are written here, by hex id.
 * @param present - names of files in the folder.
 * @param withRecords - whether a round record belongs beside each result.
 */
export async function missingFiles(
  store: CoordinatorStore,
  tasks: ReadonlyMap<string, Task>,
  present: ReadonlySet<string>,
  withRecords: boolean,
): Promise<MissingFiles> {
  const { rounds, windows } = await maybeUnwritten(store);
  const results: [Task, StoredResult][] = [];
  for (const round of rounds) {
    const stored = await store.result(round);
    const task = stored && tasks.get(stored.taskId);
    if (task === undefined || stored === undefined) continue;
    const files = roundFiles(fileOf(task, stored));
    const isWhole = present.has(files.result) && (!withRecords || present.has(files.record));
    if (!isWhole) results.push([task, stored]);
  }
  return {
    results,
    windows: windows.filter(({ taskId, window }) => {
      const task = tasks.get(taskId);
      const isThere =
        task && present.has(windowFile({ task: task.manifest, window: { index: window } }));
      return isThere === false;
    }),
  };
}

/** What names the files of a round. */
export function fileOf(
  { manifest }: Task,
  { window, round }: { readonly window: number; readonly round: string },
): ResultFile {
  return { task: manifest, window: { index: window }, round };
}

/** All that was stored since the last clean end, and what the process that ended then had not written. */
async function maybeUnwritten(
  store: CoordinatorStore,
): Promise<{ readonly rounds: ReadonlySet<string>; readonly windows: readonly WindowName[] }> {
  const rounds = new Set<string>();
  const windows = new Map<string, WindowName>();
  const add = ({ subject = '', details = {} }: AuditEntry, isRound: boolean) => {
    const window = Number(details['window']);
    if (isRound) rounds.add(subject);
    else windows.set(`${subject} ${window}`, { taskId: subject, window });
  };
  let hasEnd = false;
  for await (const entry of auditBackwards(store)) {
    const { action } = entry;
    if (hasEnd && action === STARTED) break;
    if (action === CLOSED) hasEnd = true;
    if (action === RESULT_UNWRITTEN || action === WINDOW_UNWRITTEN) {
      add(entry, action === RESULT_UNWRITTEN);
    } else if (!hasEnd && (action === RESULT_STORED || action === WINDOW_DECIDED)) {
      add(entry, action === RESULT_STORED);
    }
  }
  return { rounds, windows: [...windows.values()] };
}
