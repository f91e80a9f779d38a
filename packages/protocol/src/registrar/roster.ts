/**
 * §5.2: what a roster must be before it is signed. Every refusal of the design is here; those that are
 * one device's fault name the device.
 */
import { RoundError, merkleRoot, toHex, wipe } from '@onlysum/crypto';
import { type DeriveOp, type DeriveResult, concatBytes, x25519KeyProblem } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import { at } from '../at.js';
import { certificateCheck } from '../certificate.js';
import { type RosterFacts, rosterStatement } from '../context.js';
import { advertiseStatement } from '../device/advertise.js';
import { drawGraph } from '../graph.js';
import { rosterLeaves } from '../leaf.js';
import { type GraphParameters, rosterParameters } from '../parameters.js';
import { colludersInPool, poolOf } from '../pools.js';
import { KEY_BYTES } from '../sizes.js';
import type { Ledger } from './ledger.js';
import { isRevoked } from './lineage.js';
import { participantId, participantKey } from './participant.js';
import { type RoundRecord, type WindowRecord, records } from './records.js';
import type { RosterMember, RosterRequest, RosterResponse } from './requests.js';
import { requestStatement } from './requests.js';
import { type MachineContext, RefusedRequest, type RegistrarParams, sign } from './types.js';
import type { RefusedMember } from './types.js';
import { presentIncarnation, windowNow } from './window.js';

export type UnverifiedRoster = Omit<RosterRequest, 'signature'>;

/** Two signatures per member: its certificate, and its keys for this incarnation. */
export function rosterChecks(
  request: UnverifiedRoster,
  task: Task,
  incarnation: number,
): DeriveOp[] {
  return request.members.flatMap(({ certificate, c, s, signature }) => [
    certificateCheck(task.registrarKey, certificate),
    {
      op: 'ed25519-verify',
      publicKey: certificate.pseudonym,
      message: advertiseStatement(
        request.taskId,
        { window: request.window, incarnation },
        request.round,
        { c, s },
      ),
      signature,
    } as const,
  ]);
}

/** @param results - of {@link rosterChecks}, made for the present incarnation. */
export function attestRoster(
  ledger: Ledger,
  request: UnverifiedRoster,
  results: readonly DeriveResult[],
  task: Task,
  params: RegistrarParams,
  context: MachineContext,
): RosterResponse {
  const { suite } = context;
  const digest = suite.sha256(requestStatement({ kind: 'roster', ...request }));
  const before = records.round.find(ledger, request.round);
  if (before !== undefined) return repeated(before, digest);
  const { epoch } = windowNow(task, request.window, context);
  const incarnation = presentIncarnation(ledger);
  const window = records.window.find(ledger, task.taskId, request.window, incarnation);
  if (window === undefined) {
    throw new RefusedRequest('window-not-open', 'ask for the announcement of this window first');
  }
  const parameters = parametersOf(request, task);
  checkPool(parameters, window, task);
  const participants = participantsOf(request, params, context);
  checkMembers(ledger, request, results, { window, epoch, participants }, task, context);
  const seed = context.rng(KEY_BYTES);
  const graph = drawGraph(suite, parameters, seed);
  const leaves = rosterLeaves(request.members, graph).map(({ leaf }) => leaf);
  const root = merkleRoot(suite, leaves);
  const { n, k, t } = parameters;
  const facts: RosterFacts = {
    taskId: task.taskId,
    window: request.window,
    incarnation,
    round: request.round,
    n,
    k,
    t,
    seed,
    root,
  };
  const signature = sign(suite, params, rosterStatement(facts));
  const openUntilMs = context.nowMs + request.lifetimeMs;
  records.round.put(
    ledger,
    {
      digest,
      ...facts,
      signature,
      participants: concatBytes(...participants),
      openUntilMs,
      closed: false,
    },
    request.round,
  );
  records.windowRound.put(ledger, true, task.taskId, request.window, request.round);
  for (const participant of participants) {
    const seen = records.participation.find(ledger, task.taskId, request.window, participant);
    if (seen !== undefined) closeForGood(ledger, seen.round);
    records.participation.put(
      ledger,
      {
        attempts: (seen?.attempts ?? 0) + 1,
        round: toHex(request.round),
        included: seen?.included ?? false,
      },
      task.taskId,
      request.window,
      participant,
    );
  }
  return { incarnation, k, t, seed, root, signature };
}

/** Open: not closed, not past its deadline, its U3 not attested, of this incarnation. §5.2. */
export function isOpenRoster(
  ledger: Ledger,
  round: string,
  record: RoundRecord,
  context: MachineContext,
): boolean {
  return (
    !record.closed &&
    context.nowMs <= record.openUntilMs &&
    record.incarnation === presentIncarnation(ledger) &&
    records.survivorSet.find(ledger, round) === undefined
  );
}

/** A roster that a member has left for a new one stays closed, even if the clock steps back. */
function closeForGood(ledger: Ledger, round: string): void {
  const record = records.round.expect(ledger, round);
  if (!record.closed) records.round.put(ledger, { ...record, closed: true }, round);
}

function repeated(before: RoundRecord, digest: Uint8Array): RosterResponse {
  if (toHex(before.digest) !== toHex(digest)) {
    throw new RefusedRequest('round-known', 'another roster was attested under this round id');
  }
  const { incarnation, k, t, seed, root, signature } = before;
  return { incarnation, k, t, seed, root, signature };
}

/** Counted before anything is hashed or verified. @throws {RefusedRequest} `cohort-size`. */
export function checkCohortSize(n: number, { manifest: { cohort } }: Task): void {
  if (n >= cohort.min && n <= cohort.max) return;
  const expected = `${cohort.min} to ${cohort.max}`;
  throw new RefusedRequest('cohort-size', `members: expected ${expected}, got ${n}`);
}

function parametersOf(request: UnverifiedRoster, task: Task): GraphParameters {
  const { assumptions } = task.manifest;
  const n = request.members.length;
  try {
    return rosterParameters(n, assumptions);
  } catch (error) {
    if (error instanceof RoundError) throw new RefusedRequest(error.code, error.message);
    throw error;
  }
}

/** A must cover every colluder that the pool can hold, since the coordinator chooses inside a pool. */
function checkPool(parameters: GraphParameters, window: WindowRecord, task: Task): void {
  const { population } = task.manifest.assumptions;
  const colluders = colludersInPool(window.population, window.pools, population);
  if (parameters.mostCorrupt >= colluders) return;
  throw new RefusedRequest(
    'pool-not-covered',
    `a pool of ${window.population} enrolments in ${window.pools} pools can hold ${colluders} colluders, but ` +
      `assumptions.corrupt covers ${parameters.mostCorrupt} of ${parameters.n}: raise corrupt or cohort.min, ` +
      'or lower assumptions.population',
  );
}

/** By roster index. */
function participantsOf(
  { taskId, window, members }: UnverifiedRoster,
  { seed }: RegistrarParams,
  { suite }: MachineContext,
): Uint8Array[] {
  const key = participantKey(suite, seed);
  try {
    return members.map(({ certificate }) =>
      participantId(suite, key, { taskId, window }, certificate.pseudonym),
    );
  } finally {
    wipe(key);
  }
}

interface RosterFrame {
  readonly window: WindowRecord;
  readonly epoch: number;
  /** By roster index. */
  readonly participants: readonly Uint8Array[];
}

function checkMembers(
  ledger: Ledger,
  request: UnverifiedRoster,
  results: readonly DeriveResult[],
  { window, epoch, participants }: RosterFrame,
  task: Task,
  context: MachineContext,
): void {
  const taken = new Set<string>();
  let pool: number | undefined;
  const refused: RefusedMember[] = [];
  request.members.forEach((member, index) => {
    const { pseudonym } = member.certificate;
    const own = poolOf(context.suite, window.value, pseudonym, window.pools);
    const code =
      signatureProblem(results, index) ??
      enrolmentProblem(ledger, member, window, epoch, task) ??
      participationProblem(ledger, request, at(participants, index), task, context) ??
      keyProblem(member, taken) ??
      (pool !== undefined && own !== pool ? 'other-pool' : undefined);
    if (code !== undefined) refused.push({ index, code });
    else pool = own;
  });
  if (refused.length === 0) return;
  const shown = refused.slice(0, 3).map(({ index, code }) => `members[${index}]: ${code}`);
  throw new RefusedRequest(
    'members-refused',
    `${refused.length} of ${request.members.length} members: ${shown.join(', ')}`,
    refused,
  );
}

function signatureProblem(results: readonly DeriveResult[], index: number): string | undefined {
  if (results[2 * index] !== true) return 'certificate-refused';
  return results[2 * index + 1] === true ? undefined : 'advertisement-refused';
}

function enrolmentProblem(
  ledger: Ledger,
  { certificate }: RosterMember,
  window: WindowRecord,
  epoch: number,
  task: Task,
): string | undefined {
  const record = records.pseudonym.find(ledger, toHex(certificate.pseudonym));
  const isCurrent =
    certificate.epoch === epoch && certificate.epochLengthMs === task.manifest.epoch.lengthMs;
  if (record === undefined || record.epoch !== certificate.epoch || !isCurrent) {
    return 'certificate-refused';
  }
  if (isRevoked(ledger, record)) return 'certificate-refused';
  return record.sequence < window.frozenSequence ? undefined : 'not-enrolled-yet';
}

function participationProblem(
  ledger: Ledger,
  request: UnverifiedRoster,
  participant: Uint8Array,
  task: Task,
  context: MachineContext,
): string | undefined {
  const seen = records.participation.find(ledger, task.taskId, request.window, participant);
  if (seen === undefined) return undefined;
  if (seen.included) return 'already-included';
  if (seen.attempts >= task.manifest.attempts) return 'attempts-exhausted';
  const last = records.round.expect(ledger, seen.round);
  return isOpenRoster(ledger, seen.round, last, context) ? 'in-open-roster' : undefined;
}

/** Canonical, not of low order, and all 2n keys and n pseudonyms distinct. */
function keyProblem(member: RosterMember, taken: Set<string>): string | undefined {
  const pseudonym = `pseudonym ${toHex(member.certificate.pseudonym)}`;
  if (taken.has(pseudonym)) return 'duplicate-device';
  const keys = [member.c, member.s];
  if (keys.some((key) => x25519KeyProblem(key) !== undefined)) return 'key-refused';
  const named = keys.map((key) => `key ${toHex(key)}`);
  if (named.some((key) => taken.has(key)) || at(named, 0) === at(named, 1)) return 'key-repeated';
  for (const entry of [pseudonym, ...named]) taken.add(entry);
  return undefined;
}
