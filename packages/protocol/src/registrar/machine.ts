/**
 * The registrar's answers to a coordinator, as transitions over its ledger. Protocol §5, §6.5.
 * Knows: what may be signed. Doesn't know: HTTP, files. The host runs the signature checks first, then
 * {@link answerRequest} inside one transaction, and lets the answer go only when that is durable.
 */
import { type DeriveOp, type DeriveResult, toHex } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { announceWindow, presentIncarnation } from './window.js';
import type { Ledger } from './ledger.js';
import { records } from './records.js';
import type { RegistrarRequest, RegistrarResponse } from './requests.js';
import { requestStatement } from './requests.js';
import { attestRoster, checkCohortSize, rosterChecks } from './roster.js';
import { attestSharedSet, attestSurvivorSet, closeRoster } from './sets.js';
import { type MachineContext, RefusedRequest, type RegistrarParams } from './types.js';

/** Signature checks of a request, and the incarnation they were made for. */
export interface RequestChecks {
  readonly task: Task;
  readonly incarnation: number;
  /** The coordinator's own signature: to be checked first, so that nobody else costs more than that. */
  readonly own: DeriveOp;
  /** Made only when it holds. */
  members(): readonly DeriveOp[];
}

/**
 * @param ledger - read only.
 * @returns the checks to run, or the refusal.
 */
export function checkRequest(
  ledger: Ledger,
  request: RegistrarRequest,
  params: RegistrarParams,
): RequestChecks | (RegistrarResponse & { readonly kind: 'refused' }) {
  try {
    const task = taskOf(ledger, request, params);
    if (request.kind === 'roster') checkCohortSize(request.members.length, task);
    const incarnation = presentIncarnation(ledger);
    const own: DeriveOp = {
      op: 'ed25519-verify',
      publicKey: task.coordinatorKey,
      message: requestStatement(request),
      signature: request.signature,
    };
    return {
      task,
      incarnation,
      own,
      members: () => (request.kind === 'roster' ? rosterChecks(request, task, incarnation) : []),
    };
  } catch (error) {
    return refusal(error);
  }
}

/**
 * Decides, records and signs. To be run inside one transaction.
 *
 * @param results - answers to `own` and then `members` of {@link checkRequest}.
 * @throws {RefusedRequest} when it refuses: the transaction is then rolled back, see {@link refusal}.
 */
export function answerRequest(
  ledger: Ledger,
  request: RegistrarRequest,
  checks: RequestChecks,
  results: readonly DeriveResult[],
  params: RegistrarParams,
  context: MachineContext,
): RegistrarResponse {
  const { task } = checks;
  if (results[0] !== true) {
    throw new RefusedRequest(
      'request-signature',
      'the request is not signed by the coordinator that the manifest names',
    );
  }
  if (checks.incarnation !== presentIncarnation(ledger)) {
    throw new RefusedRequest('roster-closed', 'a new incarnation began meanwhile: ask again');
  }
  switch (request.kind) {
    case 'window': {
      const announcement = announceWindow(ledger, task, request.window, params, context);
      return { kind: 'window', announcement };
    }
    case 'roster': {
      const verified = results.slice(1);
      return {
        kind: 'roster',
        ...attestRoster(ledger, request, verified, task, params, context),
      };
    }
    case 'shared-set': {
      const { round, members } = request;
      const signature = attestSharedSet(ledger, round, members, task, params, context);
      return { kind: 'set', signature, auditHead: null };
    }
    case 'survivor-set': {
      const { round, members } = request;
      const signature = attestSurvivorSet(ledger, round, members, task, params, context);
      return { kind: 'set', signature, auditHead: null };
    }
    case 'close':
      closeRoster(ledger, request.round);
      return { kind: 'closed' };
  }
}

/** A refusal as an answer. @throws whatever is no refusal: our own bugs, a store that failed. */
export function refusal(error: unknown): RegistrarResponse & { readonly kind: 'refused' } {
  if (!(error instanceof RefusedRequest)) throw error;
  return {
    kind: 'refused',
    code: error.code,
    detail: error.message.slice(0, 500),
    members: error.members,
  };
}

function taskOf(ledger: Ledger, request: RegistrarRequest, params: RegistrarParams): Task {
  const taskId = 'taskId' in request ? request.taskId : roundTask(ledger, request.round);
  const task = params.tasks.get(toHex(taskId));
  if (task === undefined) {
    throw new RefusedRequest(
      'task-unknown',
      `task ${toHex(taskId).slice(0, 16)}… is not attested here: give the registrar its manifest`,
    );
  }
  return task;
}

function roundTask(ledger: Ledger, round: Uint8Array): Uint8Array {
  const record = records.round.find(ledger, round);
  if (record !== undefined) return record.taskId;
  throw new RefusedRequest('round-unknown', `no roster of round ${toHex(round)} is attested`);
}
