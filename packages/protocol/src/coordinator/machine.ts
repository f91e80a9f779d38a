/**
 * The coordinator's side of one round, as transitions. Protocol §5, §6.
 * Knows: which stage follows which, and when one is over. Doesn't know: sockets, the registrar's HTTP,
 * the clock. Invariant: whatever one device sends, the others' round goes on while thresholds hold.
 */
import { InternalError, OnlysumError, PeerError, RoundError, equalBytes } from '@onlysum/crypto';
import { at } from '../at.js';
import { isDropCode } from '../drop-reasons.js';
import * as incoming from '../messages/from-device.js';
import type { RegistrarResponse } from '../registrar/requests.js';
import { decodeFrame } from '../wire/codec.js';
import { abort, dropEffect, isFirst, isSettled, lose } from './cohort.js';
import {
  abandon,
  advertised,
  gatherMs,
  gatheringDeadline,
  join,
  removeCandidate,
  rosterRefused,
} from './gathering.js';
import {
  addMaskedInput,
  closeMasking,
  grantUploads,
  openSharedSet,
  queueUpload,
  settleMasking,
} from './masked-input.js';
import { graceOver, leave, resumePlace } from './resume.js';
import { keep, sayGoodbye } from './opening.js';
import { closeRecovery, takeRevealedShares } from './recovery.js';
import { openRoster } from './roster.js';
import { closeSharing, settleSharing, takeShares } from './share-keys.js';
import type {
  AbortCode,
  CoordinatorEvent,
  CoordinatorState,
  CoordinatorStep,
  Drop,
  MachineContext,
  RoundParams,
} from './types.js';
import { closeUnmasking, openSurvivorSet, takeReveal } from './unmasking.js';

export function startRound(params: RoundParams, nowMs: number): CoordinatorStep {
  const inMs = gatherMs(params, nowMs);
  return [
    {
      stage: 'gathering',
      candidates: new Map(),
      advertised: 0,
      deviceOf: new Map(),
      closesAtMs: nowMs + inMs,
      barred: new Map(),
    },
    [
      { kind: 'stage', stage: 'gathering', devices: 0 },
      { kind: 'timer', stage: 'gathering', inMs },
    ],
  ];
}

/**
 * One step. The state passed in is consumed.
 *
 * @returns the new state and what the host must do, in order. `result` is answered with `kept` or `not-kept`;
 *   after `abort` nothing follows.
 * @throws {InternalError} for a host that breaks the contract; nothing for what a peer sent.
 */
export function stepCoordinator(
  state: CoordinatorState,
  event: CoordinatorEvent,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  const [next, effects] = advance(state, event, params, context);
  for (const effect of effects) {
    // A device that comes back is told how long the stage lasts.
    if (effect.kind !== 'timer' || !('cohort' in next)) continue;
    next.cohort.endsAtMs = context.nowMs + effect.inMs;
  }
  return [next, effects];
}

function advance(
  state: CoordinatorState,
  event: CoordinatorEvent,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  switch (event.kind) {
    case 'join':
      if (state.stage !== 'gathering') throw wrongEvent(event.kind, state);
      return join(state, event, params, context);
    case 'message':
      return settle(onMessage(state, event, params, context), params);
    case 'left':
      return settle(leave(state, event.device, event.code, lossStage(state), params), params);
    case 'grace-over':
      return settle(graceOver(state, event.device), params);
    case 'resume':
      return resumePlace(state, event.device, event.token, params, context);
    case 'grants-overdue':
      if (state.stage !== 'masking') return [state, []];
      return [state, grantUploads(state, params, context)];
    case 'deadline':
      return event.stage === state.stage ? onDeadline(state, params, context) : [state, []];
    case 'answered':
      return settle(onAnswer(state, event.response, params, context), params);
    case 'opened':
      if (state.stage !== 'opening') throw wrongEvent(event.kind, state);
      return keep(state, event.outcome, params);
    case 'kept':
      if (state.stage !== 'keeping') throw wrongEvent(event.kind, state);
      return sayGoodbye(state, event.auditHead);
    case 'not-kept':
      if (state.stage !== 'keeping') throw wrongEvent(event.kind, state);
      return abort(state.cohort, event.code, event.detail, false);
    case 'stop':
      return stop(state, event, params);
  }
}

/** Closes every stage that is over, so that nobody waits for a deadline without need. §6. */
function settle([state, effects]: CoordinatorStep, params: RoundParams): CoordinatorStep {
  const closedStage = closeIfOver(state, params);
  if (closedStage === undefined) return [state, effects];
  return [closedStage[0], [...effects, ...closedStage[1]]];
}

function closeIfOver(state: CoordinatorState, params: RoundParams): CoordinatorStep | undefined {
  switch (state.stage) {
    case 'sharing':
      return settleSharing(state);
    case 'masking':
      return settleMasking(state, params);
    case 'unmasking':
      return isSettled(state.cohort) ? closeUnmasking(state, params) : undefined;
    case 'recovering':
      return isSettled(state.cohort) ? closeRecovery(state, params) : undefined;
    default:
      return undefined;
  }
}

function onDeadline(
  state: CoordinatorState,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  switch (state.stage) {
    case 'gathering':
      return gatheringDeadline(state, params, context);
    case 'sharing':
      return closeSharing(state);
    case 'masking':
      return closeMasking(state, params);
    case 'unmasking':
      return settle(closeUnmasking(state, params), params);
    case 'recovering':
      return closeRecovery(state, params);
    default:
      return [state, []];
  }
}

/** A device's fault costs that device its place, and nobody else anything. */
function onMessage(
  state: CoordinatorState,
  event: CoordinatorEvent & { kind: 'message' },
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  try {
    return transition(state, event, params, context);
  } catch (error) {
    if (!(error instanceof OnlysumError) || error instanceof InternalError) throw error;
    const code = isDropCode(error.code) ? error.code : 'wire-invalid';
    if (state.stage === 'gathering') {
      removeCandidate(state, event.device);
      return [state, [dropEffect(event.device, code, error.message)]];
    }
    if (!('cohort' in state)) return [state, []];
    const index = state.cohort.indexOf.get(event.device);
    if (index === undefined) return [state, []];
    return [state, lose(state.cohort, index, lossStage(state), code, error.message)];
  }
}

function transition(
  state: CoordinatorState,
  event: CoordinatorEvent & { kind: 'message' },
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  if (state.stage === 'gathering') return advertised(state, event, params, context);
  if (!('cohort' in state)) return [state, []];
  const index = state.cohort.indexOf.get(event.device);
  if (index === undefined) return [state, []];
  const place = at(state.cohort.places, index);
  if (!place.present || place.device !== event.device) return [state, []];
  const raw = decodeFrame(event.bytes);
  const type = Number(raw[0]);
  const round = raw[1];
  if (!(round instanceof Uint8Array) || !equalBytes(round, state.cohort.facts.round)) {
    throw new PeerError('wrong-round', `message type ${type} is of another round`);
  }
  if (!isFirst(context.suite, place, type, event.bytes)) return [state, []];
  switch (state.stage) {
    case 'sharing':
      if (type !== incoming.shareKeys.type) break;
      return takeShares(state, index, incoming.shareKeys.parse(raw));
    case 'masking':
      if (!state.cohort.waiting.has(index)) break;
      if (type === incoming.uploadRequest.type) return queueUpload(state, index, params, context);
      if (type !== incoming.maskedInput.type) break;
      return addMaskedInput(state, index, incoming.maskedInput.parse(raw), params, context);
    case 'unmasking':
      if (type !== incoming.unmasking.type || !state.cohort.waiting.has(index)) break;
      return takeReveal(state, index, incoming.unmasking.parse(raw), context);
    case 'recovering':
      // A survivor that comes back says first what it would have said in time: its b comes by shares now.
      if (type === incoming.unmasking.type) return [state, []];
      if (type !== incoming.revealShares.type || !state.cohort.waiting.has(index)) break;
      return takeRevealedShares(state, index, incoming.revealShares.parse(raw));
    default:
      break;
  }
  throw new PeerError('wrong-stage', `message type ${type} while the round is ${state.stage}`);
}

function onAnswer(
  state: CoordinatorState,
  response: RegistrarResponse,
  params: RoundParams,
  context: MachineContext,
): CoordinatorStep {
  if (response.kind === 'refused') {
    if (state.stage === 'attesting-roster') return rosterRefused(state, response, params, context);
    if (!('cohort' in state)) return [state, []];
    const code: AbortCode =
      response.code === 'registrar-unavailable' ? response.code : 'registrar-refused';
    return abort(state.cohort, code, `${response.code}: ${response.detail}`, true);
  }
  if (state.stage === 'attesting-roster' && response.kind === 'roster') {
    try {
      return openRoster(state, response, params, context);
    } catch (error) {
      if (!(error instanceof RoundError)) throw error;
      return abandon(state.candidates, 'registrar-refused', error.message, params.round);
    }
  }
  if (state.stage === 'attesting-shared-set' && response.kind === 'set') {
    return openSharedSet(state, response, params, context);
  }
  if (state.stage === 'attesting-survivor-set' && response.kind === 'set') {
    return openSurvivorSet(state, response, params);
  }
  return [state, []];
}

function stop(
  state: CoordinatorState,
  { detail, code = 'shutting-down' }: CoordinatorEvent & { kind: 'stop' },
  params: RoundParams,
): CoordinatorStep {
  // A sum that is being kept stays, or the store refuses it.
  if (state.stage === 'finished' || state.stage === 'keeping') return [state, []];
  if ('cohort' in state) {
    const isOpen = !('survivors' in state);
    return abort(state.cohort, code, detail, isOpen);
  }
  const candidates = [...state.candidates.values()];
  const asked = state.stage === 'attesting-roster' ? params.round : undefined;
  return abandon(candidates, code, detail, asked);
}

/** The stage a device is lost in, as the drop statistics name it. */
function lossStage(state: CoordinatorState): Drop['stage'] {
  switch (state.stage) {
    case 'masking':
    case 'attesting-survivor-set':
      return 'masked-input';
    case 'unmasking':
      return 'unmasking';
    case 'recovering':
    case 'opening':
    case 'keeping':
      return 'recovery';
    default:
      return 'share-keys';
  }
}

function wrongEvent(kind: string, state: CoordinatorState): InternalError {
  return new InternalError('internal', `${kind} came while the round was ${state.stage}`);
}
