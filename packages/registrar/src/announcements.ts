/**
 * The present window's announcement for anybody who asks. Protocol §2.4.
 * Knows: tasks, the present window, what was announced. Doesn't know: HTTP, signatures.
 * Invariant: a flood of requests costs one transaction per task, window and incarnation.
 */
import { describe, UsageError } from '@onlysum/crypto';
import {
  type Announcement,
  announceWindow,
  type MachineContext,
  presentIncarnation,
  RefusedRequest,
  type RegistrarParams,
} from '@onlysum/protocol';
import { windowAt } from '@onlysum/task';
import type { RegistrarStore } from './store/registrar-store.js';

export interface AnnouncementHost {
  readonly params: RegistrarParams;
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
  params,
  store,
  context,
}: AnnouncementHost): (taskId: string) => Promise<Announcement> {
  /** By task: only the newest window is kept. */
  const known = new Map<string, Known>();
  return async (taskId) => {
    const task = params.tasks.get(taskId);
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
      .transact((ledger) => announceWindow(ledger, task, window, params, context()))
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
