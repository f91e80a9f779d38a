/**
 * The device's side of one round, as transitions. Protocol §5.
 * Knows: which message may come in which phase, and that each comes once. Doesn't know: sockets,
 * files, the clock, what a metric is. Invariant: a failure in any phase wipes every secret and
 * reveals nothing more.
 */
import { InternalError, OnlysumError, PeerError, RoundError, toHex } from '@onlysum/crypto';
import { WireError, printable } from '@onlysum/crypto';
import type { Codec } from '../wire/codec.js';
import { decodeFrame } from '../wire/codec.js';
import { isDropCode } from '../drop-reasons.js';
import * as incoming from '../messages/from-coordinator.js';
import { checkOffer, sendKeys, signKeys } from './advertise.js';
import { answerChallenge, sendHello } from './hello.js';
import {
  checkSharedSet,
  maskInput,
  openBoxes,
  requestUpload,
  sendMaskedInput,
} from './masked-input.js';
import { takeNoise } from './noise.js';
import { claimPlace, isInRound, keepLastSent, placeTaken, reconnect } from './resume.js';
import { checkRoster } from './roster.js';
import { dealShares } from './share-keys.js';
import type { DeviceEffect, DeviceEvent, DeviceParams, DeviceState } from './types.js';
import type { DeviceStep, MachineContext } from './types.js';
import { erase, eraseEvent } from './types.js';
import {
  type AuditedRole,
  type AuditHeads,
  isSignedAuditHead,
  type SignedAuditHead,
} from '../audit-head.js';
import { answerRecovery, checkSurvivorSet, reveal, roundReceipt } from './unmasking.js';

export function startDevice(): DeviceState {
  return { phase: 'connecting', accepted: new Map() };
}

/**
 * One step. The state passed in is consumed: its secrets move to the new state or are wiped.
 *
 * @returns the new state and what the host must do, in order. After `finish` nothing follows.
 * @throws nothing for what a peer sent; {@link InternalError} for a host that breaks the contract.
 */
export function stepDevice(
  state: DeviceState,
  event: DeviceEvent,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  if (state.phase === 'finished') {
    eraseEvent(event);
    return [state, []];
  }
  try {
    const step = transition(state, event, params, context);
    return keepLastSent(step, isInRound(state) ? state.link : undefined);
  } catch (error) {
    eraseEvent(event);
    return fail(state, asOnlysumError(error));
  }
}

function transition(
  state: DeviceState,
  event: DeviceEvent,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  switch (event.kind) {
    case 'message':
      return onMessage(state, event.bytes, params, context);
    case 'derived':
      return onDerived(state, event, params, context);
    case 'noise':
      return takeNoise(state, event.lanes, params);
    case 'input':
      return maskInput(expectPhase(state, 'encoding'), event.lanes, params, context);
    case 'input-refused':
      throw event.error;
    case 'persisted':
      return requestUpload(expectPhase(state, 'persisting'), event.outcome);
    case 'deadline':
      throw new RoundError(
        'round-timeout',
        `the round was not over by its deadline (this device was ${state.phase}): ${whatNext(state)}`,
        { retryable: !hasContributed(state) },
      );
    case 'disconnected':
      if (isInRound(state)) return reconnect(state);
      throw connectionLost(state);
    case 'unreachable':
      throw connectionLost(state);
  }
}

function onMessage(
  state: DeviceState,
  bytes: Uint8Array,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const raw = decodeFrame(bytes, MOST_VALUES);
  switch (raw[0]) {
    case incoming.dropped.type:
      throw dropError(incoming.dropped.parse(raw), state);
    case incoming.progress.type:
      return [state, gathering(state, incoming.progress.parse(raw))];
    case incoming.recover.type: {
      const message = ofThisRound(state, incoming.recover, raw);
      return answerRecovery(expectMessage(state, 'unmasked', 'Recover'), message);
    }
    case incoming.closed.type: {
      const message = ofThisRound(state, incoming.closed, raw);
      return close(expectMessage(state, 'unmasked', 'Closed'), message, params, context);
    }
    case incoming.resumed.type: {
      const message = ofThisRound(state, incoming.resumed, raw);
      if (!isInRound(state)) throw new PeerError('wrong-stage', 'Resumed came outside a round');
      return placeTaken(state, message, context);
    }
    case incoming.uploadGrant.type:
      ofThisRound(state, incoming.uploadGrant, raw);
      // A credit that was thought lost is given again after a resume, and may come late.
      if (hasContributed(state) && state.phase !== 'ready') return [state, []];
      return sendMaskedInput(expectMessage(state, 'ready', 'UploadGrant'));
    default:
      return onceOnly(state, raw, bytes, params, context);
  }
}

/** One challenge, one offer, one roster, one U2, one U3: whatever its signature, no second. §5.2. */
function onceOnly(
  state: DeviceState,
  raw: readonly unknown[],
  bytes: Uint8Array,
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  const type = Number(raw[0]);
  const digest = toHex(context.suite.sha256(bytes));
  const before = state.accepted.get(type);
  if (before === digest) return [state, []];
  if (before !== undefined) {
    throw new PeerError(
      'second-message',
      `a second, different message of type ${type} in one round: this device reveals nothing more`,
    );
  }
  const accepted = new Map(state.accepted).set(type, digest);
  const [next, effects] = onFirst({ ...state, accepted }, raw, params, context);
  return [next, effects];
}

function onFirst(
  state: DeviceState,
  raw: readonly unknown[],
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  switch (raw[0]) {
    case incoming.challenge.type: {
      const message = incoming.challenge.parse(raw);
      if (isInRound(state)) return claimPlace(state);
      return answerChallenge(
        expectMessage(state, 'connecting', 'Challenge'),
        message,
        params,
        context,
      );
    }
    case incoming.offer.type: {
      const message = incoming.offer.parse(raw);
      return checkOffer(expectMessage(state, 'waiting', 'Offer'), message, params, context);
    }
    case incoming.roster.type: {
      const message = ofThisRound(state, incoming.roster, raw);
      return checkRoster(expectMessage(state, 'advertised', 'Roster'), message, params, context);
    }
    case incoming.sharedSet.type: {
      const message = ofThisRound(state, incoming.sharedSet, raw);
      return checkSharedSet(expectMessage(state, 'shared', 'SharedSet'), message, params, context);
    }
    case incoming.survivorSet.type: {
      const message = ofThisRound(state, incoming.survivorSet, raw);
      return checkSurvivorSet(expectMessage(state, 'masked', 'SurvivorSet'), message, params);
    }
    default:
      throw new WireError(
        'wire-invalid',
        `type: ${String(raw[0])} is no message of a coordinator`,
        {
          field: 'type',
        },
      );
  }
}

function onDerived(
  state: DeviceState,
  event: DeviceEvent & { kind: 'derived' },
  params: DeviceParams,
  context: MachineContext,
): DeviceStep {
  switch (state.phase) {
    case 'signing-hello':
      return sendHello(state, event.results, params);
    case 'checking-offer':
      return signKeys(state, event.results, params);
    case 'signing-keys':
      return sendKeys(state, event.results);
    case 'checking-roster':
      return dealShares(state, event.results, params, context);
    case 'checking-shared-set':
      return openBoxes(state, event.results, params, context);
    case 'checking-survivors':
      return reveal(state, event.results);
    default:
      throw new InternalError('internal', `derived came while ${state.phase}`);
  }
}

/** The leaf's path and a handful of fields: far above any message, far below an attack. */
const MOST_VALUES = 64;

function ofThisRound<T extends { readonly round: Uint8Array }>(
  state: DeviceState,
  codec: Codec<T>,
  raw: readonly unknown[],
): T {
  const message = codec.parse(raw);
  const own = 'offered' in state ? state.offered.round : undefined;
  if (own === undefined || toHex(message.round) !== toHex(own)) {
    throw new PeerError('wrong-round', `${codec.name} is of another round than the one offered`);
  }
  return message;
}

function expectMessage<P extends DeviceState['phase']>(
  state: DeviceState,
  phase: P,
  name: string,
): Extract<DeviceState, { phase: P }> {
  if (state.phase !== phase) {
    throw new PeerError('wrong-stage', `${name} came while this device was ${state.phase}`);
  }
  return state as Extract<DeviceState, { phase: P }>;
}

function expectPhase<P extends DeviceState['phase']>(
  state: DeviceState,
  phase: P,
): Extract<DeviceState, { phase: P }> {
  if (state.phase !== phase) {
    throw new InternalError('internal', `expected phase ${phase}, was ${state.phase}`);
  }
  return state as Extract<DeviceState, { phase: P }>;
}

/** While a cohort gathers the end of the round may move; once there is a roster it may not. */
function gathering(state: DeviceState, message: incoming.Progress): DeviceEffect[] {
  const seconds = Math.ceil(message.closesInMs / 1000);
  const devices = message.missing === 1 ? 'device' : 'devices';
  const detail = `${message.missing} more ${devices} needed, closes in ${seconds} s`;
  const notice: DeviceEffect = { kind: 'progress', stage: 'waiting', detail };
  const isGathering = 'offered' in state && !('seat' in state);
  return isGathering ? [{ kind: 'timer', inMs: message.remainingMs }, notice] : [notice];
}

function dropError(message: incoming.Dropped, state: DeviceState): RoundError {
  // A code nobody documented would be the coordinator's text in the place of ours.
  const code = isDropCode(message.code) ? message.code : 'dropped';
  return new RoundError(
    code,
    `the coordinator sent this device away: ${printable(message.detail)} (${whatNext(state)})`,
    { retryable: message.retryInMs >= 0 && !hasContributed(state) },
  );
}

/** An audit head that its server did not sign is worth nothing to a receipt, and is not kept. */
function close(
  state: Extract<DeviceState, { phase: 'unmasked' }>,
  { opened, coordinatorHead, registrarHead }: incoming.Closed,
  { task }: DeviceParams,
  { suite }: MachineContext,
): DeviceStep {
  const signed = (role: AuditedRole, key: Uint8Array, head: SignedAuditHead | null) =>
    head !== null && isSignedAuditHead(suite, key, role, state.offered.round, head) ? head : null;
  return finish(state, opened, {
    coordinator: signed('coordinator', task.coordinatorKey, coordinatorHead),
    registrar: signed('registrar', task.registrarKey, registrarHead),
  });
}

function finish(
  state: Extract<DeviceState, { phase: 'unmasked' }>,
  opened: boolean | undefined,
  auditHeads?: AuditHeads,
): DeviceStep {
  const receipt = roundReceipt(state, opened, auditHeads);
  erase(state.secrets);
  return [
    { phase: 'finished', accepted: state.accepted },
    [{ kind: 'finish', outcome: { kind: 'receipt', receipt } }],
  ];
}

/** Once it has revealed what U3 allows, a lost end of the round costs the device only the last word. */
const ENDS_WITHOUT_A_WORD = new Set([
  'connection-lost',
  'round-timeout',
  'resume-refused',
  'not-kept',
]);

function connectionLost(state: DeviceState): RoundError {
  return new RoundError(
    'connection-lost',
    `the connection to the coordinator was lost (this device was ${state.phase}): ${whatNext(state)}`,
    { retryable: !hasContributed(state) },
  );
}

function fail(state: DeviceState, error: OnlysumError): DeviceStep {
  if (state.phase === 'unmasked') {
    if (error.code === 'round-aborted') return finish(state, false);
    if (ENDS_WITHOUT_A_WORD.has(error.code)) return finish(state, undefined);
  }
  if ('secrets' in state) erase(state.secrets);
  return [
    { phase: 'finished', accepted: state.accepted },
    [
      {
        kind: 'finish',
        outcome: { kind: 'failed', error, contributed: hasContributed(state) },
      },
    ],
  ];
}

/** From the durable record on, the window is spent for this device, whatever happens next. §5.4. */
function hasContributed(state: DeviceState): boolean {
  return ['ready', 'masked', 'checking-survivors', 'unmasked'].includes(state.phase);
}

function whatNext(state: DeviceState): string {
  return hasContributed(state)
    ? 'its masked input had left, so it waits for the next window'
    : 'nothing of its input had left, so it can join a new round';
}

function asOnlysumError(error: unknown): OnlysumError {
  if (error instanceof OnlysumError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new InternalError('internal', `the device machine failed: ${message}`, { cause: error });
}
