/**
 * What every coordinator's store promises alike, whatever keeps the bytes: it takes only what can be a
 * record, refuses once it is closed, and closes after what is under way.
 */
import { UsageError } from '@onlysum/crypto';
import type { AuditEntry, AuditHead, TokenRecord } from '@onlysum/service';
import type { AuditTrail, CoordinatorStore, Written } from './coordinator-store.js';
import * as check from './record-checks.js';
import type {
  NewTask,
  NewWindow,
  ResultName,
  RoundClose,
  RoundRecord,
  SealedResult,
  StoredResult,
  TaskRecord,
  TaskState,
  WindowDecision,
  WindowName,
  WindowRecord,
} from './records.js';

/** What keeps the bytes; as {@link CoordinatorStore}, but everything it is given has been checked. */
export interface CoordinatorStoreBackend {
  recordTask(task: NewTask, audit: AuditTrail): Promise<Written>;
  setTaskState(taskId: string, state: TaskState, audit: AuditTrail): Promise<Written>;
  task(taskId: string): Promise<TaskRecord | undefined>;
  /** In any order. */
  tasks(): Promise<readonly TaskRecord[]>;
  openWindow(window: NewWindow, audit: AuditTrail): Promise<Written>;
  decideWindow(name: WindowName, decision: WindowDecision, audit: AuditTrail): Promise<Written>;
  window(name: WindowName): Promise<WindowRecord | undefined>;
  windows(
    taskId: string,
    before: number | undefined,
    limit: number,
  ): Promise<readonly WindowRecord[]>;
  closeRound(close: RoundClose, audit: AuditTrail): Promise<Written>;
  round(round: string): Promise<RoundRecord | undefined>;
  rounds(taskId: string, page: check.CheckedRoundPage): Promise<readonly RoundRecord[]>;
  result(round: string): Promise<StoredResult | undefined>;
  results(taskId: string, page: check.CheckedRoundPage): Promise<readonly StoredResult[]>;
  resultsUnderOtherKeys(keyId: string, limit: number): Promise<readonly StoredResult[]>;
  reseal(round: string, from: string, next: SealedResult, audit: AuditTrail): Promise<void>;
  deleteResults(
    taskId: string,
    olderThanMs: number,
    audit: (deleted: readonly ResultName[]) => AuditTrail,
    limit: number,
  ): Promise<readonly ResultName[]>;
  appendAudit(audit: AuditTrail): Promise<void>;
  auditHead(): Promise<AuditHead>;
  auditEntries(after: number, limit: number): Promise<readonly AuditEntry[]>;
  latestAuditEntries(before: number | undefined, limit: number): Promise<readonly AuditEntry[]>;
  putToken(token: TokenRecord, audit: AuditTrail): Promise<Written>;
  token(id: string): Promise<TokenRecord | undefined>;
  /** In any order. */
  tokens(): Promise<readonly TokenRecord[]>;
  revokeToken(id: string, revokedMs: number, audit: AuditTrail): Promise<Written>;
  close(): Promise<void>;
}

export function guardedStore(backend: CoordinatorStoreBackend): CoordinatorStore {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function use<T>(run: () => Promise<T>): Promise<T> {
    if (closing !== undefined) {
      throw new UsageError('store-closed', 'store: closed; open it again', { field: 'store' });
    }
    const promise = run();
    underWay.add(promise);
    try {
      return await promise;
    } finally {
      underWay.delete(promise);
    }
  }

  const { checkedTaskId, checkedRoundId, checkedTrail, checkedLimit } = check;
  return {
    recordTask: (task, audit) =>
      use(() => backend.recordTask(check.checkedTask(task), checkedTrail(audit))),
    setTaskState: (taskId, state, audit) =>
      use(() =>
        backend.setTaskState(
          checkedTaskId(taskId),
          check.checkedTaskState(state),
          checkedTrail(audit),
        ),
      ),
    task: (taskId) => use(() => backend.task(checkedTaskId(taskId))),
    tasks: () => use(async () => [...(await backend.tasks())].sort(byNameAndVersion)),

    openWindow: (window, audit) =>
      use(() => backend.openWindow(check.checkedWindow(window), checkedTrail(audit))),
    decideWindow: (name, decision, audit) =>
      use(() =>
        backend.decideWindow(
          check.checkedWindowName(name),
          check.checkedDecision(decision),
          checkedTrail(audit),
        ),
      ),
    window: (name) => use(() => backend.window(check.checkedWindowName(name))),
    windows: (taskId, page = {}) =>
      use(() =>
        backend.windows(
          checkedTaskId(taskId),
          check.checkedSequence('before', page.before),
          checkedLimit(page),
        ),
      ),

    closeRound: (close, audit) =>
      use(() => backend.closeRound(check.checkedClose(close), checkedTrail(audit))),
    round: (round) => use(() => backend.round(checkedRoundId(round))),
    rounds: (taskId, page = {}) =>
      use(() => backend.rounds(checkedTaskId(taskId), check.checkedRoundPage(page))),

    result: (round) => use(() => backend.result(checkedRoundId(round))),
    results: (taskId, page = {}) =>
      use(() => backend.results(checkedTaskId(taskId), check.checkedRoundPage(page))),
    resultsUnderOtherKeys: (keyId, page = {}) =>
      use(() => backend.resultsUnderOtherKeys(check.checkedKeyId(keyId), checkedLimit(page))),
    reseal: (round, from, next, audit) =>
      use(() =>
        backend.reseal(
          checkedRoundId(round),
          check.checkedKeyId(from),
          check.checkedResult(next),
          checkedTrail(audit),
        ),
      ),
    deleteResults: (taskId, olderThanMs, audit, page = {}) =>
      use(() =>
        backend.deleteResults(
          checkedTaskId(taskId),
          check.checkedTime('olderThanMs', olderThanMs),
          (deleted) => checkedTrail(audit(deleted)),
          checkedLimit(page),
        ),
      ),

    appendAudit: (audit) => use(() => backend.appendAudit(checkedTrail(audit))),
    auditHead: () => use(() => backend.auditHead()),
    auditEntries: (page = {}) =>
      use(() =>
        backend.auditEntries(check.checkedSequence('after', page.after) ?? 0, checkedLimit(page)),
      ),
    latestAuditEntries: (page = {}) =>
      use(() =>
        backend.latestAuditEntries(
          check.checkedSequence('before', page.before),
          checkedLimit(page),
        ),
      ),

    putToken: (token, audit) =>
      use(() => backend.putToken(check.checkedToken(token), checkedTrail(audit))),
    token: (id) => use(() => backend.token(check.checkedTokenId(id))),
    tokens: () => use(async () => [...(await backend.tokens())].sort(byId)),
    revokeToken: (id, revokedMs, audit) =>
      use(() =>
        backend.revokeToken(
          check.checkedTokenId(id),
          check.checkedTime('revokedMs', revokedMs),
          checkedTrail(audit),
        ),
      ),

    close: () => (closing ??= Promise.allSettled(underWay).then(() => backend.close())),
  };
}

function byNameAndVersion(a: TaskRecord, b: TaskRecord): number {
  return compare(a.name, b.name) || a.version - b.version || compare(a.taskId, b.taskId);
}

function byId(a: TokenRecord, b: TokenRecord): number {
  return compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
