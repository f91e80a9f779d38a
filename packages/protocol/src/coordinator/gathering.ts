/**
 * §5.1, §5.2: offer the round, collect advertisements, close the cohort at `target`, or at the deadline
 * with at least `min`.
 */
import { PeerError, toHex } from '@onlysum/crypto';
import { type DropCode, isDropCode } from '../drop-reasons.js';
import { offer, progress } from '../messages/from-coordinator.js';
import { advertiseKeys } from '../messages/from-device.js';
import type { Refusal } from '../registrar/requests.js';
import { decodeFrame } from '../wire/codec.js';
import { dropEffect } from './cohort.js';
import type {
  AbortCode,
  Candidate,
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorStep,
  InStage,
  MachineContext,
  RoundParams,
  StageDurations,
} from './types.js';

/** How often a roster is asked for again without the devices that the registrar refused. */
const MOST_ROSTER_ATTEMPTS = 3;

export function join(
  state: InStage<'gathering'>,
  event: CoordinatorEvent & { kind: 'join' },
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const pseudonym = toHex(event.certificate.pseudonym);
  for (const candidate of state.candidates.values()) {
    if (toHex(candidate.certificate.pseudonym) === pseudonym) {
      const detail = 'another connection of this pseudonym is waiting in this round';
      return [state, [dropEffect(event.device, 'duplicate-device', detail)]];
    }
  }
  const { device, certificate } = event;
  state.candidates.set(device, { device, certificate, member: undefined, digest: undefined });
  const offered = offer.encode({
    round: params.round,
    remainingMs: remainingMs(state, params, context),
    announcement: params.announcement,
  });
  const isShort = state.candidates.size < params.task.manifest.cohort.min;
  return [
    state,
    [
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
  if (toHex(message.round) !== toHex(params.round)) {
    throw new PeerError('wrong-round', 'AdvertiseKeys is of another round than the one offered');
  }
  const digest = toHex(context.suite.sha256(event.bytes));
  if (candidate.digest !== undefined && candidate.digest !== digest) {
    throw new PeerError('conflicting-message', 'a second, different AdvertiseKeys in one round');
  }
  candidate.digest = digest;
  const { c, s, signature } = message;
  candidate.member = { certificate: candidate.certificate, c, s, signature };
  const ready = advertisers(state).length;
  return ready >= params.task.manifest.cohort.target
    ? closeCohort(state, params, 'cohort-full', 'the cohort was full: join the next round')
    : [state, []];
}

export function gatheringDeadline(
  state: InStage<'gathering'>,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const { cohort } = params.task.manifest;
  const ready = advertisers(state).length;
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
  const extended = { ...state, closesAtMs: context.nowMs + params.durations.gatherMs };
  return [
    extended,
    [
      { kind: 'timer', stage: 'gathering', inMs: params.durations.gatherMs },
      ...notices(extended, [...state.candidates.keys()], params, context),
    ],
  ];
}

/** The registrar refused. Devices it names go; with enough others left it is asked again. */
export function rosterRefused(
  state: InStage<'attesting-roster'>,
  refusal: Refusal,
  params: RoundParams,
): CoordinatorStep {
  const { cohort } = params.task.manifest;
  const refused = new Map(refusal.members.map(({ index, code }) => [index, code]));
  const told: CoordinatorEffect[] = [];
  const rest: Candidate[] = [];
  state.candidates.forEach((candidate, index) => {
    const code = refused.get(index);
    if (state.gone.has(candidate.device)) return;
    if (code === undefined) rest.push(candidate);
    else told.push(dropEffect(candidate.device, memberDropCode(code), `the registrar: ${code}`));
  });
  const canGoOn =
    refused.size > 0 && rest.length >= cohort.min && state.attempt < MOST_ROSTER_ATTEMPTS;
  if (!canGoOn) {
    const code = abortCode(refusal.code, refused.size > 0 && rest.length < cohort.min);
    const [finished, effects] = abandon(rest, code, `${refusal.code}: ${refusal.detail}`);
    return [finished, [...told, ...effects]];
  }
  const [next, effects] = requestRoster(rest, state.attempt + 1, params);
  return [next, [...told, ...effects]];
}

/** Ends a round whose roster is not attested. */
export function abandon(
  candidates: readonly Candidate[],
  code: AbortCode,
  detail: string,
): CoordinatorStep {
  const dropCode: DropCode = code === 'shutting-down' ? 'shutting-down' : 'round-aborted';
  const told = candidates.map(({ device }) => dropEffect(device, dropCode, `${code}: ${detail}`));
  return [{ stage: 'finished' }, [...told, { kind: 'abort', code, detail }]];
}

/** @returns the time from the roster request to the end of the last stage. */
export function roundMs(durations: StageDurations): number {
  const { attestMs, shareKeysMs, maskedInputMs, unmaskingMs, recoveryMs } = durations;
  return 3 * attestMs + shareKeysMs + maskedInputMs + unmaskingMs + recoveryMs;
}

export function advertisers(state: InStage<'gathering'>): Candidate[] {
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
    .filter((candidate) => !taken.has(candidate))
    .map(({ device }) => dropEffect(device, leftOut, detail));
  const [next, effects] = requestRoster([...taken], 1, params);
  return [next, [...told, ...effects]];
}

function requestRoster(
  candidates: readonly Candidate[],
  attempt: number,
  params: RoundParams,
): CoordinatorStep {
  const { task, window, round, durations } = params;
  return [
    { stage: 'attesting-roster', candidates, gone: new Map(), attempt },
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
  return devices.map((device) => ({ kind: 'send', device, bytes }));
}

function remainingMs(
  state: InStage<'gathering'>,
  params: RoundParams,
  context: MachineContext,
): number {
  return Math.max(0, state.closesAtMs - context.nowMs) + roundMs(params.durations);
}

function memberDropCode(code: string): DropCode {
  return isDropCode(code) ? code : 'device-refused';
}

function abortCode(refusal: string, tooFewLeft: boolean): AbortCode {
  if (tooFewLeft) return 'cohort-too-small';
  if (refusal === 'registrar-unavailable' || refusal === 'parameters-infeasible') return refusal;
  return 'registrar-refused';
}
