/**
 * The coordinator's durable record: tasks, windows, how rounds ended, sealed results, the audit chain
 * and API tokens.
 * Knows: operations, each of them one transaction. Doesn't know: keys, HTTP, rounds under way. Every
 * implementation passes the contract suite in @onlysum/testkit.
 * Invariant: what changes state and what the audit log says of it are durable together or not at all.
 */
import type { AuditEntry, AuditEvent, AuditHead, TokenRecord } from '@onlysum/service';
import type {
  NewTask,
  NewWindow,
  ResultName,
  RoundClose,
  RoundPlace,
  RoundRecord,
  SealedResult,
  StoredResult,
  TaskRecord,
  TaskState,
  WindowDecision,
  WindowName,
  WindowRecord,
} from './records.js';

/** What is appended to the audit chain with a change, in the same transaction: at least one event. */
export type AuditTrail = readonly [AuditEvent, ...AuditEvent[]];

/** `known`: it stood so already; then nothing was changed and nothing appended. */
export type Written = 'written' | 'known';

/** At most so many, 1…1,000; default 100. */
export interface PageSize {
  readonly limit?: number;
}

export interface RoundPage extends PageSize {
  /** Of one window only. */
  readonly window?: number;
  /** Only what stands before it, so that the last of one page begins the next. */
  readonly before?: RoundPlace;
}

/**
 * Each method rejects with {@link UsageError}: `argument-invalid` for what cannot be a record,
 * `store-closed`, and `store-unavailable` if the bytes cannot be reached. Those that change something
 * resolve once it is on disk; whoever calls again after a failure gets `known` if it was after all.
 */
export interface CoordinatorStore {
  /** @throws {UsageError} `store-conflict` if another manifest stands under this id. */
  recordTask(task: NewTask, audit: AuditTrail): Promise<Written>;
  /** @throws {UsageError} `record-missing`. */
  setTaskState(taskId: string, state: TaskState, audit: AuditTrail): Promise<Written>;
  task(taskId: string): Promise<TaskRecord | undefined>;
  /** By name, then version. */
  tasks(): Promise<readonly TaskRecord[]>;

  /**
   * @throws {UsageError} `record-missing` without its task; `task-stopped`; `window-decided`;
   *   `store-conflict` if it has another deadline.
   */
  openWindow(window: NewWindow, audit: AuditTrail): Promise<Written>;
  /** @throws {UsageError} `record-missing`; `window-decided` if it was decided otherwise. */
  decideWindow(name: WindowName, decision: WindowDecision, audit: AuditTrail): Promise<Written>;
  window(name: WindowName): Promise<WindowRecord | undefined>;
  /** Newest first. @param page - `before`: only windows below it. */
  windows(
    taskId: string,
    page?: PageSize & { readonly before?: number },
  ): Promise<readonly WindowRecord[]>;

  /**
   * Keeps outcome and result in one step. The same close again is `known`, also when its window was
   * decided or its result sealed anew or deleted since.
   *
   * @throws {UsageError} `store-conflict` if the round ended otherwise; `record-missing` without its
   *   window; `window-decided`; `task-stopped` for a round that opened after the kill switch.
   */
  closeRound(close: RoundClose, audit: AuditTrail): Promise<Written>;
  round(round: string): Promise<RoundRecord | undefined>;
  /** Newest first: by window, then in the order in which they were closed. */
  rounds(taskId: string, page?: RoundPage): Promise<readonly RoundRecord[]>;

  result(round: string): Promise<StoredResult | undefined>;
  /** In the order of `rounds`. */
  results(taskId: string, page?: RoundPage): Promise<readonly StoredResult[]>;
  /** Results of any task under another key than this: for rotation, until there are none. */
  resultsUnderOtherKeys(keyId: string, page?: PageSize): Promise<readonly StoredResult[]>;
  /**
   * Replaces a result's bytes and key.
   *
   * @param from - the key it must be under now.
   * @throws {UsageError} `record-missing`; `store-conflict` if it is under another.
   */
  reseal(round: string, from: string, next: SealedResult, audit: AuditTrail): Promise<void>;
  /**
   * Deletes a task's results that are older, the oldest first; what is known of their rounds stays.
   *
   * @param olderThanMs - those whose round closed earlier. Unix ms.
   * @param audit - from what is deleted; not called if that is nothing.
   * @returns what was deleted; as many as `limit` if there may be more.
   */
  deleteResults(
    taskId: string,
    olderThanMs: number,
    audit: (deleted: readonly ResultName[]) => AuditTrail,
    page?: PageSize,
  ): Promise<readonly ResultName[]>;

  /** Appends what changes nothing else, e.g. that a result was read. */
  appendAudit(audit: AuditTrail): Promise<void>;
  auditHead(): Promise<AuditHead>;
  /** Oldest first. @param page - `after`: only entries with a larger sequence; default 0. */
  auditEntries(page?: PageSize & { readonly after?: number }): Promise<readonly AuditEntry[]>;
  /** Newest first. @param page - `before`: only entries with a smaller sequence. */
  latestAuditEntries(
    page?: PageSize & { readonly before?: number },
  ): Promise<readonly AuditEntry[]>;

  /** @throws {UsageError} `store-conflict` if another token has this id. */
  putToken(token: TokenRecord, audit: AuditTrail): Promise<Written>;
  token(id: string): Promise<TokenRecord | undefined>;
  /** By id. */
  tokens(): Promise<readonly TokenRecord[]>;
  /** The first revocation stands. @throws {UsageError} `record-missing`. */
  revokeToken(id: string, revokedMs: number, audit: AuditTrail): Promise<Written>;

  /** Waits for what is under way; afterwards every other call rejects. May be called twice. */
  close(): Promise<void>;
}
