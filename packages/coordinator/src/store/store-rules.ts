/**
 * What may follow what: the decisions that every store makes alike inside its transaction.
 * Knows: records. Doesn't know: how they are kept. Every function answers `known` if nothing is to be
 * done, and throws what {@link CoordinatorStore} says.
 */
import { LABELS, type Suite, UsageError, encodeLabelled, toHex } from '@onlysum/crypto';
import type { TokenRecord } from '@onlysum/service';
import { canonicalBytes } from '@onlysum/task';
import type { Written } from './coordinator-store.js';
import type {
  NewTask,
  NewWindow,
  RoundClose,
  RoundOutcome,
  TaskRecord,
  TaskState,
  WindowDecision,
  WindowRecord,
} from './records.js';

export function taskToRecord(existing: TaskRecord | undefined, task: NewTask): Written {
  if (existing === undefined) return 'written';
  if (existing.signedManifest === task.signedManifest) return 'known';
  throw conflict('task', `another manifest stands under ${task.taskId}`);
}

export function taskStateToSet(existing: TaskRecord | undefined, state: TaskState): Written {
  if (existing === undefined) throw missing('task');
  const reasonOf = (of: TaskState) => (of.state === 'stopped' ? of.reason : undefined);
  const isSame = existing.state === state.state && reasonOf(existing) === reasonOf(state);
  return isSame ? 'known' : 'written';
}

export function windowToOpen(
  task: TaskRecord | undefined,
  existing: WindowRecord | undefined,
  window: NewWindow,
): Written {
  if (task === undefined) throw missing('task');
  if (task.state === 'stopped') throw stopped(task);
  if (existing === undefined) return 'written';
  checkOpen(existing);
  if (existing.deadlineMs === window.deadlineMs) return 'known';
  throw conflict('window', `window ${window.window} is open until ${existing.deadlineMs}`);
}

export function windowToDecide(
  existing: WindowRecord | undefined,
  decision: WindowDecision,
): Written {
  if (existing === undefined) throw missing('window');
  if (existing.state === decision) return 'known';
  checkOpen(existing);
  return 'written';
}

/** @param closedAs - the digest under which the round was closed before. */
export function roundToClose(
  closedAs: string | undefined,
  digest: string,
  task: TaskRecord | undefined,
  window: WindowRecord | undefined,
  outcome: RoundOutcome,
): Written {
  if (closedAs === digest) return 'known';
  if (closedAs !== undefined) throw conflict('round', `round ${outcome.round} ended otherwise`);
  if (task === undefined) throw missing('task');
  if (window === undefined) throw missing('window');
  checkOpen(window);
  if (outcome.state === 'opened' && task.state === 'stopped') throw stopped(task);
  return 'written';
}

/**
 * What tells a close from another of the same round. Hex.
 *
 * It is kept with the round, since the result's bytes may be sealed anew or deleted.
 */
export function closeDigest(suite: Suite, { outcome, result }: RoundClose): string {
  const parts =
    result === undefined
      ? [canonicalBytes(outcome)]
      : [canonicalBytes(outcome), result.keyId, result.sealed];
  return toHex(suite.sha256(encodeLabelled(LABELS.roundClose, ...parts)));
}

/** @param keyId - of the key it is under; undefined if there is no such result. */
export function checkReseal(keyId: string | undefined, from: string): void {
  if (keyId === undefined) throw missing('result');
  if (keyId !== from) throw conflict('result', `it is sealed under ${keyId}, not ${from}`);
}

export function tokenToPut(existing: TokenRecord | undefined, token: TokenRecord): Written {
  if (existing === undefined) return 'written';
  const text = (record: TokenRecord) => toHex(canonicalBytes(record));
  if (text(existing) === text(token)) return 'known';
  throw conflict('token', `another token has the id ${token.id}`);
}

export function tokenToRevoke(existing: TokenRecord | undefined): Written {
  if (existing === undefined) throw missing('token');
  return existing.revokedMs === undefined ? 'written' : 'known';
}

function checkOpen({ window, state }: WindowRecord): void {
  if (state === 'open') return;
  throw new UsageError('window-decided', `window: ${window} is ${state}`, { field: 'window' });
}

function conflict(field: string, reason: string): UsageError {
  return new UsageError('store-conflict', `${field}: ${reason}`, { field });
}

function missing(field: string): UsageError {
  return new UsageError('record-missing', `${field}: the store has no such ${field}`, { field });
}

function stopped({ name, version }: TaskRecord): UsageError {
  const message = `task: ${name} version ${version} is stopped`;
  return new UsageError('task-stopped', message, { field: 'task' });
}
