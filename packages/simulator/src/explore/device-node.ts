/**
 * One device with its host, as plain data: the machine's state, and what the outside has seen of it.
 * Knows: one device. Doesn't know: queues, other devices. Invariant: a move is a function of the node,
 * the event and the clock, so that it is computed once.
 */
import { RoundError, type Suite, runDerive, toHex } from '@onlysum/crypto';
import {
  type DeviceEffect,
  type DeviceEvent,
  type DeviceOutcome,
  type DeviceState,
  SHARE_RECORD_BYTES,
  decodeFrame,
  encodeBitmap,
  maskedInput,
  revealShares,
  startDevice,
  unmasking,
} from '@onlysum/protocol';
import { clone } from './clone.js';
import { CountedRng } from './counted-rng.js';
import type { Setup } from './setup.js';

/** What a device has let out, and what it has accepted: it stays when the machine has forgotten. */
export interface Seen {
  /** U2 and U3 whose signatures the device has accepted, as hex bitmaps. */
  readonly sharedSets: readonly string[];
  readonly survivorSets: readonly string[];
  /** Digests of the different masked inputs that were sent. */
  readonly maskedInputs: readonly string[];
  /** Bits of roster indices: whose b, or a share of it, this device revealed. */
  readonly selfReveals: number;
  /** Whose s, by a share or by a pair secret with it, this device revealed. */
  readonly keyReveals: number;
  /** How it ended: `receipt included`, `receipt left-out`, `failed CODE`. */
  readonly outcome: string | undefined;
  /** What broke a rule inside this device. */
  readonly fault: string | undefined;
}

export interface DeviceNode {
  readonly state: DeviceState | { readonly phase: 'dead' };
  readonly draws: number;
  readonly hasTimer: boolean;
  /** The machine has asked for a new connection. */
  readonly wantsConnection: boolean;
  /** Metrics of this window are recorded as contributed. */
  readonly isReserved: boolean;
  readonly seen: Seen;
}

export interface DeviceMove {
  readonly node: DeviceNode;
  readonly sent: readonly Uint8Array[];
  /** The host has closed the connection. */
  readonly isClosed: boolean;
  /** Results of the host that the machine waited for on the way. */
  readonly pauses: number;
  readonly persists: boolean;
}

/** What the host does instead of handing over its result number `pause`. */
export interface Interruption {
  readonly pause: number;
  readonly with: 'deadline' | 'disconnected' | 'input-refused' | 'persist-failed';
}

export function newDevice(): DeviceNode {
  return {
    state: startDevice(),
    draws: 0,
    hasTimer: false,
    wantsConnection: false,
    isReserved: false,
    seen: {
      sharedSets: [],
      survivorSets: [],
      maskedInputs: [],
      selfReveals: 0,
      keyReveals: 0,
      outcome: undefined,
      fault: undefined,
    },
  };
}

export function isOver({ state }: DeviceNode): boolean {
  return state.phase === 'dead' || state.phase === 'finished';
}

export function crash(node: DeviceNode): DeviceNode {
  return { ...node, state: { phase: 'dead' }, hasTimer: false, wantsConnection: false };
}

/** Takes one event, and the results of the host's work that follow from it. */
export function moveDevice(
  setup: Setup,
  i: number,
  node: DeviceNode,
  first: DeviceEvent,
  nowMs: number,
  interruption?: Interruption,
): DeviceMove {
  const before = node.state;
  if (before.phase === 'dead') throw new RangeError(`device ${i} is dead`);
  const { suite } = setup;
  const params = setup.devices[i];
  if (params === undefined) throw new RangeError(`no device ${i}`);
  const counted = new CountedRng(`explore/draw/${i}`, node.draws);
  let state: DeviceState = clone(before);
  let { hasTimer, wantsConnection, isReserved, seen } = node;
  const sent: Uint8Array[] = [];
  let isClosed = false;
  let pauses = 0;
  let persists = false;
  let event: DeviceEvent | undefined = first;
  let postponed: DeviceEvent | undefined;
  while (event !== undefined) {
    const secrets = 'secrets' in state ? state.secrets : undefined;
    const context = { suite, rng: counted.rng, nowMs };
    const [next, effects]: [DeviceState, DeviceEffect[]] = setup.machines.device(
      state,
      event,
      params,
      context,
    );
    state = next;
    event = undefined;
    seen = accepted(seen, state);
    if (state.phase === 'finished' && secrets !== undefined && holdsSecret(secrets)) {
      seen = withFault(seen, 'a round that is over for this device left secrets in memory');
    }
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          if (isClosed || seen.outcome !== undefined) {
            seen = withFault(seen, 'something was sent after the end');
          }
          sent.push(effect.bytes.slice());
          seen = revealed(seen, state, effect.bytes, suite);
          break;
        case 'derive':
          event = { kind: 'derived', results: runDerive(suite, effect.batch) };
          break;
        case 'draw-noise':
          event = { kind: 'noise', lanes: (setup.noise[i] ?? new Int32Array(0)).slice() };
          break;
        case 'need-input':
          event = { kind: 'input', lanes: (setup.inputs[i] ?? new Uint32Array(0)).slice() };
          break;
        case 'persist': {
          persists = true;
          const isFailure = interruption?.with === 'persist-failed';
          const outcome = isFailure ? 'failed' : isReserved ? 'conflict' : 'reserved';
          if (outcome === 'reserved') isReserved = true;
          event = { kind: 'persisted', outcome };
          break;
        }
        case 'reconnect':
          wantsConnection = true;
          break;
        case 'timer':
          hasTimer = true;
          break;
        case 'progress':
          break;
        case 'finish':
          seen = ended(seen, effect.outcome);
          isClosed = true;
          hasTimer = false;
          wantsConnection = false;
          break;
        default:
          unknownEffect(effect);
      }
    }
    if (event === undefined) {
      event = postponed;
      postponed = undefined;
      continue;
    }
    pauses++;
    if (interruption === undefined || interruption.pause !== pauses) continue;
    // A broken connection does not stop the host's work: its result comes all the same.
    if (interruption.with === 'disconnected') postponed = event;
    event = interrupting(interruption.with) ?? event;
  }
  return {
    node: { state, draws: counted.draws, hasTimer, wantsConnection, isReserved, seen },
    sent,
    isClosed,
    pauses,
    persists,
  };
}

function interrupting(how: Interruption['with']): DeviceEvent | undefined {
  switch (how) {
    case 'deadline':
    case 'disconnected':
      return { kind: how };
    case 'input-refused':
      return { kind: how, error: new RoundError('submit-aborted', 'the host would not encode') };
    case 'persist-failed':
      return undefined;
  }
}

/** Sets are accepted when the machine goes on with them, not while it checks their signature. */
function accepted(seen: Seen, state: DeviceState): Seen {
  let { sharedSets, survivorSets } = seen;
  if ('shared' in state && state.phase !== 'checking-shared-set') {
    sharedSets = withSet(sharedSets, bitmapHex(state.shared.members, state.seat.facts.n));
  }
  if (state.phase === 'unmasked') {
    survivorSets = withSet(survivorSets, bitmapHex(state.survivors.members, state.seat.facts.n));
  }
  const isSame = sharedSets === seen.sharedSets && survivorSets === seen.survivorSets;
  return isSame ? seen : { ...seen, sharedSets, survivorSets };
}

function ended(seen: Seen, outcome: DeviceOutcome): Seen {
  if (outcome.kind === 'failed') {
    const { code, message } = outcome.error;
    const failed = { ...seen, outcome: `failed ${code}` };
    return code === 'internal' ? withFault(failed, message) : failed;
  }
  const { included, survivorSet } = outcome.receipt;
  return {
    ...seen,
    survivorSets: withSet(seen.survivorSets, toHex(survivorSet)),
    outcome: included ? 'receipt included' : 'receipt left-out',
  };
}

/** What leaves counts as revealed, whether it arrives or not. */
function revealed(seen: Seen, state: DeviceState, bytes: Uint8Array, suite: Suite): Seen {
  const raw = decodeFrame(bytes);
  switch (raw[0]) {
    case maskedInput.type:
      return { ...seen, maskedInputs: withSet(seen.maskedInputs, toHex(suite.sha256(bytes))) };
    case unmasking.type: {
      if (state.phase !== 'unmasked')
        return withFault(seen, 'b was sent outside a survivor’s phase');
      const { seat, shared, survivors } = state;
      const { pairSecrets } = unmasking.parse(raw);
      const dropped = shared.members.filter((index) => !survivors.members.includes(index));
      return {
        ...seen,
        selfReveals: seen.selfReveals | (1 << seat.index),
        keyReveals: pairSecrets.length === 0 ? seen.keyReveals : seen.keyReveals | bits(dropped),
      };
    }
    case revealShares.type: {
      const { selfShares, keyShares } = revealShares.parse(raw);
      return {
        ...seen,
        selfReveals: seen.selfReveals | bits(dealers(selfShares)),
        keyReveals: seen.keyReveals | bits(dealers(keyShares)),
      };
    }
    default:
      return seen;
  }
}

function dealers(records: Uint8Array): number[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const count = records.length / SHARE_RECORD_BYTES;
  return Array.from({ length: count }, (_, i) => view.getUint32(i * SHARE_RECORD_BYTES));
}

function bits(indices: readonly number[]): number {
  return indices.reduce((mask, index) => mask | (1 << index), 0);
}

function bitmapHex(members: readonly number[], n: number): string {
  return toHex(encodeBitmap(members, n));
}

function withSet(known: readonly string[], item: string): readonly string[] {
  return known.includes(item) ? known : [...known, item];
}

function withFault(seen: Seen, fault: string): Seen {
  return { ...seen, fault: seen.fault ?? fault };
}

function holdsSecret(value: unknown): boolean {
  if (value instanceof Uint8Array || value instanceof Int32Array) {
    return value.some((item) => item !== 0);
  }
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsSecret);
}

/** A new effect of the machine stops the build here until the exploration knows it. */
export function unknownEffect(effect: never): never {
  throw new RangeError(`an effect that the exploration does not know: ${JSON.stringify(effect)}`);
}
