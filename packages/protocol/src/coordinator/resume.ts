/**
 * §5.9: a device whose connection broke takes its place again, and is told what it may have missed.
 * Knows: tokens, places. Doesn't know: sockets. Invariant: a token works once, for a place that is not
 * lost, and the older connection of that place is let go.
 */
import { equalBytes } from '@onlysum/crypto';
import { at } from '../at.js';
import type { DropCode } from '../drop-reasons.js';
import { resumed, uploadGrant } from '../messages/from-coordinator.js';
import { DIGEST_BYTES, KEY_BYTES } from '../sizes.js';
import { dropEffect, markLost } from './cohort.js';
import { removeCandidate } from './gathering.js';
import { sharedSetMessage } from './masked-input.js';
import { recoverMessage } from './recovery.js';
import { rosterMessage } from './roster.js';
import type {
  CoordinatorEffect,
  CoordinatorState,
  CoordinatorStep,
  DeviceId,
  Drop,
  MachineContext,
  RoundParams,
  Seatholder,
} from './types.js';
import { survivorSetMessage } from './unmasking.js';

/** A connection is gone. A broken one may come back; one that the host ended may not. */
export function leave(
  state: CoordinatorState,
  device: DeviceId,
  code: DropCode,
  stage: Drop['stage'],
  params: RoundParams,
): CoordinatorStep {
  const holder = holderOf(state, device);
  if (holder === undefined) return [state, []];
  holder.isConnected = false;
  if (code === 'connection-lost') {
    return [state, [{ kind: 'grace', device, inMs: params.durations.resumeGraceMs }]];
  }
  holder.isOverdue = true;
  if ('cohort' in state) {
    const index = state.cohort.indexOf.get(device);
    if (index !== undefined) markLost(state.cohort, index, stage, code);
  }
  return [withoutCandidate(state, device), []];
}

/** Nobody waits any longer for a connection that has not come back. */
export function graceOver(state: CoordinatorState, device: DeviceId): CoordinatorStep {
  const holder = holderOf(state, device);
  if (holder === undefined || holder.isConnected) return [state, []];
  holder.isOverdue = true;
  return [withoutCandidate(state, device), []];
}

export function resumePlace(
  state: CoordinatorState,
  device: DeviceId,
  token: Uint8Array,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const holder = holders(state).find((candidate) => equalBytes(candidate.token, token));
  if (holder === undefined) {
    const detail = 'no place in this round has this token: the round is over for this device';
    return [state, [dropEffect(device, 'resume-refused', detail)]];
  }
  const older = holder.device;
  const wasConnected = holder.isConnected;
  rebind(state, holder, device);
  holder.token = context.rng(KEY_BYTES);
  const { lastAccepted } = holder;
  const answer = resumed.encode({
    round: params.round,
    stage: state.stage,
    remainingMs: Math.max(0, endsAtMs(state) - context.nowMs),
    accepted: lastAccepted ?? new Uint8Array(DIGEST_BYTES),
    token: holder.token,
  });
  const letGo: CoordinatorEffect[] = wasConnected ? [{ kind: 'release', device: older }] : [];
  const missed = missedMessages(state, device);
  return [
    state,
    [...letGo, ...[answer, ...missed].map((bytes) => ({ kind: 'send', device, bytes }) as const)],
  ];
}

/** What the present stage has sent to this place; the device ignores what it has already. */
function missedMessages(state: CoordinatorState, device: DeviceId): Uint8Array[] {
  if (!('cohort' in state)) return [];
  const index = state.cohort.indexOf.get(device);
  if (index === undefined) return [];
  switch (state.stage) {
    case 'sharing':
      return [rosterMessage(state.cohort, state.parts, index)];
    case 'masking': {
      const isIn = new Set(state.shared.members);
      if (!isIn.has(index)) return [];
      const grant = uploadGrant.encode({ round: state.cohort.facts.round });
      return [sharedSetMessage(state, isIn, index), ...(state.grants.has(index) ? [grant] : [])];
    }
    case 'unmasking':
      return [survivorSetMessage(state)];
    case 'recovering':
      return [survivorSetMessage(state), recoverMessage(state)];
    default:
      return [];
  }
}

function holders(state: CoordinatorState): Seatholder[] {
  if (state.stage === 'gathering' || state.stage === 'attesting-roster') {
    return [...state.candidates.values()];
  }
  return 'cohort' in state ? state.cohort.places.filter(({ present }) => present) : [];
}

function holderOf(state: CoordinatorState, device: DeviceId): Seatholder | undefined {
  if ('cohort' in state) {
    const index = state.cohort.indexOf.get(device);
    return index === undefined ? undefined : at(state.cohort.places, index);
  }
  return holders(state).find((holder) => holder.device === device);
}

function rebind(state: CoordinatorState, holder: Seatholder, device: DeviceId): void {
  if ('cohort' in state) {
    const index = state.cohort.indexOf.get(holder.device);
    state.cohort.indexOf.delete(holder.device);
    if (index !== undefined) state.cohort.indexOf.set(device, index);
  }
  if (state.stage === 'gathering') {
    const candidate = state.candidates.get(holder.device);
    state.candidates.delete(holder.device);
    if (candidate !== undefined) {
      state.candidates.set(device, candidate);
      state.deviceOf.set(candidate.pseudonym, device);
    }
  }
  holder.device = device;
  holder.isConnected = true;
  holder.isOverdue = false;
}

/** While the cohort gathers, who is gone for good makes room. */
function withoutCandidate(state: CoordinatorState, device: DeviceId): CoordinatorState {
  if (state.stage === 'gathering') removeCandidate(state, device);
  return state;
}

function endsAtMs(state: CoordinatorState): number {
  if (state.stage === 'gathering') return state.closesAtMs;
  return 'cohort' in state ? state.cohort.endsAtMs : 0;
}
