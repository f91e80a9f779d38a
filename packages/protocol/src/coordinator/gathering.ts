/**
 * §5.1, §5.2: offer the round, collect advertisements, close the cohort at `target` (or at what the host
 * says), or at the deadline with at least `min`.
 */
import { PeerError, equalBytes, toHex, x25519KeyProblem } from '@onlysum/crypto';
import type { Certificate } from '../certificate.js';
import { KEY_BYTES } from '../sizes.js';
import { advertiseStatement } from '../device/advertise.js';
import { type DropCode, isDropCode } from '../drop-reasons.js';
import { offer, progress } from '../messages/from-coordinator.js';
import { type AdvertiseKeys, advertiseKeys } from '../messages/from-device.js';
import type { Refusal } from '../registrar/requests.js';
import { decodeFrame } from '../wire/codec.js';
import { dropCodeOf, dropEffect } from './cohort.js';
import type {
  AbortCode,
  Candidate,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorStep,
  DeviceId,
  InStage,
  MachineContext,
  RoundParams,
  StageDurations,
} from './types.js';

/** How often a roster is asked for again without the devices that the registrar refused. */
const MOST_ROSTER_ATTEMPTS = 3;
const REPLACED = 'a newer connection of this pseudonym waits here';

export function join(
  state: InStage<'gathering'>,
  event: CoordinatorEvent & { kind: 'join' },
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const pseudonym = toHex(event.certificate.pseudonym);
  const refused = state.barred.get(pseudonym);
  if (refused !== undefined) return [state, [refusedMember(event.device, refused)]];
  const { device, certificate } = event;
  const known = state.deviceOf.get(pseudonym);
  const earlier = known === undefined ? undefined : state.candidates.get(known);
  // It says Hello instead of resuming: it begins anew, and nobody else can sign as this pseudonym.
  if (earlier !== undefined) removeCandidate(state, earlier.device);
  const replaced = earlier?.isConnected === true ? [earlier.device] : [];
  state.deviceOf.set(pseudonym, device);
  const token = context.rng(KEY_BYTES);
  state.candidates.set(device, {
    device,
    certificate,
    pseudonym,
    member: undefined,
    isConnected: true,
    isOverdue: false,
    token,
    lastAccepted: undefined,
  });
  const offered = offer.encode({
    round: params.round,
    remainingMs: remainingMs(state, params, context),
    announcement: params.announcement,
    token,
  });
  const isShort = state.candidates.size < params.task.manifest.cohort.min;
  return [
    state,
    [
      ...replaced.map((older) => dropEffect(older, 'duplicate-device', REPLACED)),
      { kind: 'send', device, bytes: offered },
      ...(isShort ? notices(state, [device], params, context) : []),
    ],
  ];
}

export function advertised(
  state: InStage<'gathering'>,
  event: CoordinatorEvent & { kind: 'message' },
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const candidate = state.candidates.get(event.device);
  if (candidate === undefined) return [state, []];
  const raw = decodeFrame(event.bytes);
  if (raw[0] !== advertiseKeys.type) {
    throw new PeerError('wrong-stage', `message type ${String(raw[0])} while the cohort gathers`);
  }
  const message = advertiseKeys.parse(raw);
  if (!equalBytes(message.round, params.round)) {
    throw new PeerError('wrong-round', 'AdvertiseKeys is of another round than the one offered');
  }
  const digest = context.suite.sha256(event.bytes);
  const before = candidate.lastAccepted;
  if (before !== undefined && !equalBytes(before, digest)) {
    throw new PeerError('conflicting-message', 'a second, different AdvertiseKeys in one round');
  }
  checkAdvertisement(candidate.certificate, message, params, context);
  candidate.lastAccepted = digest;
  const { c, s, signature } = message;
  if (candidate.member === undefined) state.advertised++;
  candidate.member = { certificate: candidate.certificate, c, s, signature };
  const { closesAt = params.task.manifest.cohort.target } = params;
  return state.advertised >= closesAt
    ? closeCohort(state, params, 'cohort-full', 'the cohort was full: join the next round')
    : [state, []];
}

/**
 * What the registrar would refuse is refused here, before the cohort closes: otherwise one bad
 * advertisement costs everybody a request.
 */
function checkAdvertisement(
  certificate: Certificate,
  { c, s, signature }: AdvertiseKeys,
  { task, announcement, round }: RoundParams,
  { suite }: MachineContext,
): void {
  const problem = x25519KeyProblem(c) ?? x25519KeyProblem(s);
  if (problem !== undefined) {
    throw new PeerError('device-refused', `AdvertiseKeys: public key ${problem}`);
  }
  const statement = advertiseStatement(task.taskId, announcement, round, { c, s });
  if (suite.ed25519Verify(certificate.pseudonym, statement, signature)) return;
  throw new PeerError('device-refused', 'AdvertiseKeys: not signed by the pseudonym');
}

export function gatheringDeadline(
  state: InStage<'gathering'>,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { cohort } = params.task.manifest;
  const ready = state.advertised;
  if (ready >= cohort.min) {
    const detail = 'no keys were advertised before the cohort closed';
    return closeCohort(state, params, 'deadline-missed', detail);
  }
  if (context.nowMs >= params.window.endMs) {
    return abandon(
      [...state.candidates.values()],
      'cohort-too-small',
      `${cohort.min - ready} more devices were needed before the window ended: come back in the next window`,
    );
  }
  const inMs = gatherMs(params, context.nowMs);
  const extended = { ...state, closesAtMs: context.nowMs + inMs };
  return [
    extended,
    [
      { kind: 'timer', stage: 'gathering', inMs },
      ...notices(extended, [...state.candidates.keys()], params, context),
    ],
  ];
}

/**
 * The registrar refused. Devices it names go and stay out of this round; the others are asked for again,
 * or go on gathering while the window lasts. The round id is still good: nothing was attested under it.
 */
export function rosterRefused(
  state: InStage<'attesting-roster'>,
  refusal: Refusal,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { cohort } = params.task.manifest;
  const refused = new Map(refusal.members.map(({ index, code }) => [index, code]));
  const barred = new Map(state.barred);
  const told: CoordinatorEffect[] = [];
  const rest: Candidate[] = [];
  state.candidates.forEach((candidate, index) => {
    const code = refused.get(index);
    if (code !== undefined) barred.set(candidate.pseudonym, code);
    if (candidate.isOverdue) return;
    if (code === undefined) rest.push(candidate);
    else if (candidate.isConnected) told.push(refusedMember(candidate.device, code));
  });
  const [next, effects] =
    refused.size === 0
      ? refusedAsWhole(rest, refusal, params)
      : rest.length >= cohort.min && state.attempt < MOST_ROSTER_ATTEMPTS
        ? requestRoster(rest, state.attempt + 1, barred, params)
        : gatherOn(rest, barred, params, context);
  return [next, [...told, ...effects]];
}

function refusedAsWhole(
  candidates: readonly Candidate[],
  refusal: Refusal,
  params: RoundParams,
): CoordinatorStep {
  const detail = `${refusal.code}: ${refusal.detail}`;
  if (refusal.code === 'registrar-unavailable') {
    // The request may have arrived all the same: then its roster must not stay open.
    return abandon(candidates, refusal.code, detail, params.round);
  }
  const isOurs = refusal.code === 'parameters-infeasible';
  return abandon(candidates, isOurs ? 'parameters-infeasible' : 'registrar-refused', detail);
}

function gatherOn(
  candidates: readonly Candidate[],
  barred: Map<string, string>,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  if (context.nowMs >= params.window.endMs) {
    const detail = 'devices were refused, and the window has ended: come back in the next window';
    return abandon(candidates, 'cohort-too-small', detail);
  }
  const inMs = gatherMs(params, context.nowMs);
  const state: InStage<'gathering'> = {
    stage: 'gathering',
    candidates: new Map(candidates.map((candidate) => [candidate.device, candidate])),
    advertised: candidates.filter(({ member }) => member !== undefined).length,
    deviceOf: new Map(candidates.map(({ pseudonym, device }) => [pseudonym, device])),
    closesAtMs: context.nowMs + inMs,
    barred,
  };
  const waiting = candidates.map(({ device }) => device);
  return [
    state,
    [
      { kind: 'stage', stage: 'gathering', devices: candidates.length },
      { kind: 'timer', stage: 'gathering', inMs },
      ...notices(state, waiting, params, context),
    ],
  ];
}

/**
 * Ends a round whose roster is not attested, as far as is known.
 *
 * @param asked - the round id, if the registrar may have attested it: it is told to close it.
 */
export function abandon(
  candidates: readonly Candidate[],
  code: AbortCode,
  detail: string,
  asked?: Uint8Array,
): CoordinatorStep {
  const dropCode = dropCodeOf(code);
  const told = candidates
    .filter(({ isConnected }) => isConnected)
    .map(({ device }) => dropEffect(device, dropCode, `${code}: ${detail}`));
  const close: CoordinatorEffect[] =
    asked === undefined ? [] : [{ kind: 'attest', request: { kind: 'close', round: asked } }];
  return [{ stage: 'finished' }, [...told, ...close, { kind: 'abort', code, detail }]];
}

/** A cohort gathers no longer than its window lasts: nobody would attest it afterwards. */
export function gatherMs({ durations, window }: RoundParams, nowMs: number): number {
  return Math.min(durations.gatherMs, Math.max(1, window.endMs - nowMs));
}

/** @returns the time from the roster request to the end of the last stage. */
export function roundMs(durations: StageDurations): number {
  const { attestMs, shareKeysMs, maskedInputMs, unmaskingMs, recoveryMs } = durations;
  return 3 * attestMs + shareKeysMs + maskedInputMs + unmaskingMs + recoveryMs;
}

/** Takes a device out of the cohort that gathers. */
export function removeCandidate(state: InStage<'gathering'>, device: DeviceId): void {
  if (state.candidates.get(device)?.member !== undefined) state.advertised--;
  state.candidates.delete(device);
}

function advertisers(state: InStage<'gathering'>): Candidate[] {
  return [...state.candidates.values()].filter(({ member }) => member !== undefined);
}

function closeCohort(
  state: InStage<'gathering'>,
  params: RoundParams,
  leftOut: DropCode,
  detail: string,
): CoordinatorStep {
  const { max } = params.task.manifest.cohort;
  const ready = advertisers(state);
  const taken = new Set(ready.slice(0, max));
  const told = [...state.candidates.values()]
    .filter((candidate) => !taken.has(candidate) && candidate.isConnected)
    .map(({ device }) => dropEffect(device, leftOut, detail));
  const [next, effects] = requestRoster([...taken], 1, state.barred, params);
  return [next, [...told, ...effects]];
}

function requestRoster(
  candidates: readonly Candidate[],
  attempt: number,
  barred: Map<string, string>,
  params: RoundParams,
): CoordinatorStep {
  const { task, window, round, durations } = params;
  return [
    { stage: 'attesting-roster', candidates, attempt, barred },
    [
      { kind: 'stage', stage: 'attesting-roster', devices: candidates.length },
      {
        kind: 'attest',
        request: {
          kind: 'roster',
          taskId: task.taskId,
          window: window.index,
          round,
          lifetimeMs: roundMs(durations),
          members: candidates.flatMap(({ member }) => (member === undefined ? [] : [member])),
        },
      },
    ],
  ];
}

/** `12 more devices needed, closes in 5 min`, to those who wait. */
function notices(
  state: InStage<'gathering'>,
  devices: readonly number[],
  params: RoundParams,
  context: MachineContext,
): CoordinatorEffect[] {
  const bytes = progress.encode({
    missing: Math.max(0, params.task.manifest.cohort.min - state.candidates.size),
    closesInMs: Math.max(0, state.closesAtMs - context.nowMs),
    remainingMs: remainingMs(state, params, context),
  });
  return devices
    .filter((device) => state.candidates.get(device)?.isConnected)
    .map((device) => ({ kind: 'send', device, bytes }));
}

function remainingMs(
  state: InStage<'gathering'>,
  params: RoundParams,
  context: MachineContext,
): number {
  return Math.max(0, state.closesAtMs - context.nowMs) + roundMs(params.durations);
}

/** What the registrar has against one device, and when it may come back. */
function refusedMember(device: number, code: string): CoordinatorEffect {
  const dropCode: DropCode = isDropCode(code) ? code : 'device-refused';
  const when =
    code === 'in-open-roster' ? 'its earlier round is still open' : 'the next window is open';
  return dropEffect(device, dropCode, `the registrar refused this device: ${code}; ${when}`);
}
