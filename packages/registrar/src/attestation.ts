/**
 * One request of a coordinator, from its bytes to the bytes of the answer. Protocol §5, §6.5.
 * Knows: the order of checks. Doesn't know: HTTP. Invariant: an answer exists only after the transaction
 * that recorded it is on disk.
 */
import { setImmediate } from 'node:timers/promises';
import { type DeriveResult, type Suite, runDerive, toHex } from '@onlysum/crypto';
import {
  type Ledger,
  type RegistrarParams,
  type RegistrarRequest,
  type RegistrarResponse,
  type RequestChecks,
  answerRequest,
  checkRequest,
  encodeResponse,
  parseRequest,
  refusal,
  signAuditHead,
} from '@onlysum/protocol';
import { headBytes } from '@onlysum/service';
import type { Task } from '@onlysum/task';
import { appendAudit, auditHead, watchLedger } from './audit.js';
import { attestationEvent } from './attestation-audit.js';
import type { RegistrarStore } from './store/registrar-store.js';

/** Verifications in a row: about 10 ms of a core, after which other requests have their turn. */
const BATCH_CHUNK = 64;

export interface AttestationHost {
  readonly params: RegistrarParams;
  /** With the key that the task names. */
  readonly paramsOf: (publicKey: Uint8Array) => RegistrarParams;
  readonly store: RegistrarStore;
  readonly suite: Suite;
  /** Taken inside the transaction, so that a verdict on time is as fresh as what it is recorded with. */
  readonly context: () => Parameters<typeof answerRequest>[5];
  /** Told of a refusal that has no entry in the audit log: to somebody who is not known as the coordinator. */
  readonly onUnrecorded: (kind: RegistrarRequest['kind'], code: string) => void;
}

export interface Attestation {
  readonly request: RegistrarRequest;
  readonly response: RegistrarResponse;
  /** That it is about, if that is one of this registrar's. */
  readonly task: Task | undefined;
  readonly bytes: Uint8Array;
}

/** @throws {WireError} `wire-invalid` if the bytes are no request; every other no is a refusal. */
export async function attestRequest(
  requestBytes: Uint8Array,
  host: AttestationHost,
): Promise<Attestation> {
  const request = parseRequest(requestBytes);
  const checks = host.store.read((ledger) => checkRequest(ledger, request, host.params));
  const isRefused = 'kind' in checks;
  if (isRefused) host.onUnrecorded(request.kind, checks.code);
  const response = isRefused ? checks : await answer(request, checks, host);
  const task = isRefused ? taskNamedIn(request, host.params) : checks.task;
  return { request, response, task, bytes: encodeResponse(response) };
}

function taskNamedIn(request: RegistrarRequest, { tasks }: RegistrarParams): Task | undefined {
  return 'taskId' in request ? tasks.get(toHex(request.taskId)) : undefined;
}

async function answer(
  request: RegistrarRequest,
  checks: RequestChecks,
  { paramsOf, store, suite, context, onUnrecorded }: AttestationHost,
): Promise<RegistrarResponse> {
  const { task } = checks;
  const results = await verify(suite, checks);
  try {
    return await store.transact((ledger) => {
      const now = context();
      const watched = watchLedger(ledger);
      const own = paramsOf(task.registrarKey);
      const response = answerRequest(watched.ledger, request, checks, results, own, now);
      // What was signed before is not news.
      if (watched.hasChanged()) audit(ledger, suite, request, response, task, now.nowMs);
      // What devices are told: U3 is the last that a round asks for.
      if (response.kind !== 'set' || request.kind !== 'survivor-set') return response;
      const head = headBytes(auditHead(ledger));
      const signed = signAuditHead(suite, own.seed, 'registrar', request.round, head);
      return { ...response, auditHead: signed };
    });
  } catch (error) {
    const refused = refusal(error);
    // Whoever is not the coordinator must not be able to fill the log.
    if (results[0] === true) {
      await store.transact((ledger) =>
        audit(ledger, suite, request, refused, task, context().nowMs),
      );
    } else {
      onUnrecorded(request.kind, refused.code);
    }
    return refused;
  }
}

function audit(
  ledger: Ledger,
  suite: Suite,
  request: RegistrarRequest,
  response: RegistrarResponse,
  task: Task,
  nowMs: number,
): void {
  const event = attestationEvent(request, response, task);
  if (event !== undefined) appendAudit(ledger, suite, event, nowMs);
}

/**
 * The first check is the coordinator's own signature. If it fails, the rest is left unchecked: nobody
 * else may make the registrar verify a cohort.
 */
async function verify(suite: Suite, checks: RequestChecks): Promise<DeriveResult[]> {
  const results = runDerive(suite, [checks.own]);
  if (results[0] !== true) return results;
  const batch = checks.members();
  for (let at = 0; at < batch.length; at += BATCH_CHUNK) {
    results.push(...runDerive(suite, batch.slice(at, at + BATCH_CHUNK)));
    await setImmediate();
  }
  return results;
}
