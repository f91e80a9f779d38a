/**
 * What a caller hands to a store, made into records: checked, and copied field by field, so that no
 * store keeps a field that this list does not have.
 * Knows: shapes. Doesn't know: what is in the store. Invariant: what passes is canonical JSON.
 */
import { UsageError, invalidField } from '@onlysum/crypto';
import type { AuditEvent, TokenRecord } from '@onlysum/service';
import { canonicalBytes } from '@onlysum/task';
import type { AuditTrail, PageSize, RoundPage } from './coordinator-store.js';
import type {
  AbortedRound,
  AttestedEvidence,
  NewTask,
  NewWindow,
  OpenedRound,
  RoundClose,
  RoundOutcome,
  RoundPlace,
  SealedResult,
  TaskState,
  WindowDecision,
  WindowName,
} from './records.js';

/** Hex of a task's 32 bytes, of a round's 16. */
const TASK_ID = 64;
const ROUND_ID = 32;
const DEFAULT_LIMIT = 100;
const MOST_ROWS = 1_000;

export function checkedTaskId(taskId: string): string {
  return hex('taskId', taskId, TASK_ID);
}

export function checkedRoundId(round: string): string {
  return hex('round', round, ROUND_ID);
}

export function checkedTask({ taskId, name, version, signedManifest }: NewTask): NewTask {
  return {
    taskId: checkedTaskId(taskId),
    name: text('name', name),
    version: integer('version', version),
    signedManifest: text('signedManifest', signedManifest, 1_000_000),
  };
}

export function checkedTaskState(state: TaskState): TaskState {
  if (state.state === 'open') return { state: 'open' };
  oneOf('state', state.state, ['stopped']);
  return { state: 'stopped', reason: text('reason', state.reason) };
}

export function checkedWindowName({ taskId, window }: WindowName): WindowName {
  return { taskId: checkedTaskId(taskId), window: integer('window', window) };
}

export function checkedWindow(window: NewWindow): NewWindow {
  return { ...checkedWindowName(window), deadlineMs: integer('deadlineMs', window.deadlineMs) };
}

export function checkedDecision(decision: WindowDecision): WindowDecision {
  return oneOf('decision', decision, ['closed', 'too-few']);
}

export function checkedClose(close: RoundClose): RoundClose {
  const { outcome, result } = close;
  oneOf('outcome.state', outcome.state, ['opened', 'aborted']);
  if (outcome.state === 'aborted') {
    if (result !== undefined) throw invalid('result', 'none of an aborted round', result);
    return { outcome: canonical('outcome', abortedRound(outcome)) };
  }
  if (result === undefined) throw invalid('result', 'one of an opened round', result);
  return { outcome: canonical('outcome', openedRound(outcome)), result: checkedResult(result) };
}

/** The bytes are borrowed. */
export function checkedResult({ keyId, sealed }: SealedResult): SealedResult {
  if (!(sealed instanceof Uint8Array) || sealed.length === 0) {
    throw invalid('result.sealed', 'sealed bytes', sealed);
  }
  return { keyId: identifier('result.keyId', keyId), sealed };
}

export function checkedKeyId(keyId: string): string {
  return identifier('keyId', keyId);
}

export function checkedTrail(audit: AuditTrail): AuditTrail {
  const [first, ...rest] = audit;
  // A type alone does not keep an empty list out.
  if ((first as AuditEvent | undefined) === undefined) {
    throw invalid('audit', 'at least one event', audit);
  }
  return [checkedEvent(first), ...rest.map(checkedEvent)];
}

export function checkedToken(token: TokenRecord): TokenRecord {
  const { id, hash, role, name, tasks, createdMs, expiresMs, revokedMs } = token;
  return {
    id: identifier('token.id', id),
    hash: text('token.hash', hash),
    role: text('token.role', role) as TokenRecord['role'],
    name: text('token.name', name),
    tasks: tasks === 'all' ? tasks : tasks.map((task) => text('token.tasks', task)),
    createdMs: integer('token.createdMs', createdMs),
    expiresMs: integer('token.expiresMs', expiresMs),
    ...(revokedMs === undefined ? {} : { revokedMs: integer('token.revokedMs', revokedMs) }),
  };
}

export function checkedTokenId(id: string): string {
  return identifier('id', id);
}

export function checkedTime(field: string, ms: number): number {
  return integer(field, ms);
}

export function checkedLimit({ limit = DEFAULT_LIMIT }: PageSize): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MOST_ROWS) return limit;
  throw invalid('limit', `an integer from 1 to ${MOST_ROWS}`, limit);
}

export function checkedSequence(field: string, sequence: number | undefined): number | undefined {
  return sequence === undefined ? undefined : integer(field, sequence);
}

export function checkedRoundPage(page: RoundPage): CheckedRoundPage {
  const { window, before } = page;
  return {
    limit: checkedLimit(page),
    window: checkedSequence('window', window),
    before:
      before === undefined
        ? undefined
        : {
            window: integer('before.window', before.window),
            serial: integer('before.serial', before.serial),
          },
  };
}

/** A page as a store takes it. */
export interface CheckedRoundPage {
  readonly limit: number;
  readonly window: number | undefined;
  readonly before: RoundPlace | undefined;
}

function checkedEvent({ action, actor, subject, outcome, details }: AuditEvent): AuditEvent {
  return canonical('audit', {
    action: text('audit.action', action),
    actor: text('audit.actor', actor),
    outcome: oneOf('audit.outcome', outcome, ['done', 'refused', 'failed']),
    ...(subject === undefined ? {} : { subject: text('audit.subject', subject) }),
    ...(details === undefined ? {} : { details: { ...details } }),
  });
}

function openedRound(outcome: OpenedRound): OpenedRound {
  return {
    ...roundFacts(outcome),
    state: 'opened',
    survivors: integer('outcome.survivors', outcome.survivors),
    silent: integer('outcome.silent', outcome.silent),
    attested: evidence(outcome.attested),
  };
}

function abortedRound(outcome: AbortedRound): AbortedRound {
  const { reason, detail, attested } = outcome;
  return {
    ...roundFacts(outcome),
    state: 'aborted',
    reason: text('outcome.reason', reason),
    ...(detail === undefined ? {} : { detail: text('outcome.detail', detail) }),
    ...(attested === undefined ? {} : { attested: evidence(attested) }),
  };
}

function roundFacts(outcome: RoundOutcome) {
  const { round, closedMs, devices, drops, cost } = outcome;
  const { bytesIn, bytesOut, gatherMs, roundMs, cpuMs } = cost;
  return {
    ...checkedWindowName(outcome),
    round: checkedRoundId(round),
    closedMs: integer('outcome.closedMs', closedMs),
    devices: integer('outcome.devices', devices),
    drops: drops.map(({ stage, code, count }) => ({ stage, code, count })),
    cost: { bytesIn, bytesOut, gatherMs, roundMs, cpuMs },
  };
}

const EVIDENCE = [
  'incarnation',
  'n',
  'k',
  't',
  'seed',
  'root',
  'rosterSignature',
  'sharedSet',
  'sharedSetSignature',
  'survivorSet',
  'survivorSetSignature',
] as const satisfies readonly (keyof AttestedEvidence)[];

function evidence<T extends Partial<AttestedEvidence>>(attested: T): T {
  const known = EVIDENCE.filter((name) => attested[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, attested[name]])) as T;
}

/** PostgreSQL keeps no zero character, in text or in JSON. */
const ZERO = '\0';
const LONE_SURROGATE = /\p{Cs}/u;

function text(field: string, value: string, most = 1_000): string {
  const isText = typeof value === 'string' && value.length > 0 && value.length <= most;
  if (isText && !LONE_SURROGATE.test(value) && !value.includes(ZERO)) return value;
  throw invalid(field, `text of 1 to ${most} Unicode characters, none of them zero`, value);
}

/** Part of a key: what it may hold stands apart from what separates the parts. */
function identifier(field: string, value: string): string {
  if (typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value)) return value;
  throw invalid(field, '1 to 128 letters, digits, dots, colons, - or _', value);
}

function hex(field: string, value: string, length: number): string {
  if (typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value)) {
    return value;
  }
  throw invalid(field, `${length} lower-case hex digits`, value);
}

function integer(field: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(field, 'an integer ≥ 0', value);
}

function oneOf<T extends string>(field: string, value: T, among: readonly T[]): T {
  if (among.includes(value)) return value;
  throw invalid(field, `one of ${among.join(', ')}`, value);
}

/** What the rest of a record's fields must be: JSON with integers, and no zero character. */
function canonical<T>(field: string, value: T): T {
  const json = new TextDecoder().decode(canonicalBytes(value));
  if (json.includes('\\u0000')) throw invalid(field, 'text without zero characters', value);
  return JSON.parse(json) as T;
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
