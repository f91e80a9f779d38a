/**
 * The present window's announcement for anybody who asks. Protocol §2.4.
 * Knows: tasks, the present window, what was announced. Doesn't know: HTTP, signatures.
 * Invariant: a flood of requests costs one transaction per task, window and incarnation.
 */
import { describe, UsageError } from '@onlysum/crypto';
import {
  type Announcement,
  announceWindow,
  type Ledger,
  type MachineContext,
  presentIncarnation,
  RefusedRequest,
  type RegistrarParams,
} from '@onlysum/protocol';
import { type Task, windowAt } from '@onlysum/task';
import { announcedEvent } from './attestation-audit.js';
import { appendAudit, watchLedger } from './audit.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface AnnouncementHost {
  /** By hex id. */
  readonly tasks: ReadonlyMap<string, Task>;
  /** With the key that the task names. */
  readonly paramsOf: (publicKey: Uint8Array) => RegistrarParams;
  readonly store: RegistrarStore;
  readonly context: () => MachineContext;
}

interface Known {
  readonly window: number;
  readonly incarnation: number;
  readonly answer: Promise<Announcement>;
}

/** @returns looks up the announcement of a task, by hex id; see `Registrar.announcement`. */
export function announcements({
  tasks,
  paramsOf,
  store,
  context,
}: AnnouncementHost): (taskId: string) => Promise<Announcement> {
  /** By task: only the newest window is kept. */
  const known = new Map<string, Known>();

  function announce(ledger: Ledger, task: Task, window: number): Announcement {
    const now = context();
    const watched = watchLedger(ledger);
    const params = paramsOf(task.registrarKey);
    const announcement = announceWindow(watched.ledger, task, window, params, now);
    if (watched.hasChanged()) {
      appendAudit(ledger, now.suite, announcedEvent('device', announcement, task), now.nowMs);
    }
    return announcement;
  }

  return async (taskId) => {
    const task = tasks.get(taskId);
    if (task === undefined) {
      const got = describe(taskId.slice(0, 80));
      throw new UsageError('task-unknown', `task: this registrar has no task ${got}`, {
        field: 'task',
      });
    }
    const { index: window } = windowAt(task.manifest, context().nowMs);
    // Another process may have begun a new incarnation.
    const incarnation = store.read(presentIncarnation);
    const before = known.get(taskId);
    if (before?.window === window && before.incarnation === incarnation) return before.answer;
    const answer = store
      .transact((ledger) => announce(ledger, task, window))
      .catch((error: unknown) => {
        if (known.get(taskId) === entry) known.delete(taskId);
        throw error instanceof RefusedRequest ? refusal(error) : error;
      });
    const entry = { window, incarnation, answer };
    known.set(taskId, entry);
    return answer;
  };
}

/** `task-not-valid`: nothing of the caller is wrong, and a window may come in which it is. */
function refusal({ code, message }: RefusedRequest): UsageError {
  return new UsageError(code, message, { field: 'task' });
}
