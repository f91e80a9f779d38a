/**
 * One request of a coordinator, from its bytes to the bytes of the answer. Protocol §5, §6.5.
 * Knows: the order of checks. Doesn't know: HTTP. Invariant: an answer exists only after the transaction
 * that recorded it is on disk.
 */
import { setImmediate } from 'node:timers/promises';
import { type DeriveResult, type Suite, runDerive, toHex } from '@onlysum/crypto';
import {
  type RegistrarParams,
  type RegistrarRequest,
  type RegistrarResponse,
  type RequestChecks,
  answerRequest,
  checkRequest,
  encodeResponse,
  parseRequest,
  refusal,
} from '@onlysum/protocol';
import type { Task } from '@onlysum/task';
import type { RegistrarStore } from './store/registrar-store.js';

/** Verifications in a row: about 10 ms of a core, after which other requests have their turn. */
const BATCH_CHUNK = 64;

export interface AttestationHost {
  readonly params: RegistrarParams;
  readonly store: RegistrarStore;
  readonly suite: Suite;
  /** Taken inside the transaction, so that a verdict on time is as fresh as what it is recorded with. */
  readonly context: () => Parameters<typeof answerRequest>[5];
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
  { params, store, suite, context }: AttestationHost,
): Promise<RegistrarResponse> {
  const results = await verify(suite, checks);
  try {
    return await store.transact((ledger) =>
      answerRequest(ledger, request, checks, results, params, context()),
    );
  } catch (error) {
    return refusal(error);
  }
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
