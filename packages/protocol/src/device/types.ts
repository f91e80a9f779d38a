/**
 * The device machine's vocabulary: parameters, events in, effects out, and one state per phase.
 * Invariant: secrets of a round live in `Secrets` and nowhere else, and {@link erase} wipes them all.
 */
import { type DeriveOp, type DeriveResult, type OnlysumError } from '@onlysum/crypto';
import { wipe, wipeResults } from '@onlysum/crypto';
import type { Rng, Suite } from '@onlysum/crypto';
import type { PolicyFloor, Task, Window } from '@onlysum/task';
import type { Announcement } from '../announcement.js';
import type { AuditHeads } from '../audit-head.js';
import type { Certificate } from '../certificate.js';
import type { RosterFacts } from '../context.js';
import type { Neighbour, RoundKeys } from '../leaf.js';
import type { GraphParameters } from '../parameters.js';

/** Fixed for one attempt at a round. The pseudonym's seed is borrowed; its owner wipes it. */
export interface DeviceParams {
  readonly task: Task;
  readonly floor: PolicyFloor;
  readonly pseudonymSeed: Uint8Array;
  readonly certificate: Certificate;
  /** The highest incarnation of the registrar this device has met. */
  readonly incarnation: number;
}

/** Time and entropy come with every step. */
export interface MachineContext {
  readonly suite: Suite;
  readonly rng: Rng;
  readonly nowMs: number;
}

export type DeviceEvent =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'derived'; readonly results: readonly DeriveResult[] }
  /** What `need-noise` asked for, one number a lane; the machine takes ownership and wipes. */
  | { readonly kind: 'noise'; readonly lanes: Int32Array }
  /** The encoded lanes; the machine takes ownership, masks in place and wipes. */
  | { readonly kind: 'input'; readonly lanes: Uint32Array }
  /** The host could not or would not encode: nothing leaves. */
  | { readonly kind: 'input-refused'; readonly error: OnlysumError }
  | { readonly kind: 'persisted'; readonly outcome: ReservationOutcome }
  | { readonly kind: 'deadline' }
  /** The connection is gone; in a round the machine asks for another one. */
  | { readonly kind: 'disconnected' }
  /** The host could not get another one. */
  | { readonly kind: 'unreachable' };

/** What must be durable, in one compare-and-set, before the masked input leaves. Protocol §2.3. */
export interface Reservation {
  readonly publisher: Uint8Array;
  readonly metrics: readonly string[];
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  readonly incarnation: number;
  readonly round: Uint8Array;
}

/**
 * `conflict`: another process, tab, task or round has already contributed to these metrics.
 * `budget-spent`: what the window costs is more than is left of this device's privacy budget.
 */
export type ReservationOutcome = 'reserved' | 'conflict' | 'budget-spent' | 'failed';

export type DeviceEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'derive'; readonly batch: readonly DeriveOp[] }
  /**
   * In a task with noise, once a round: this device's share of what `shares` devices add together. The host
   * drew it before it connected, and answers at once: how long drawing took tells how large the noise is.
   */
  | { readonly kind: 'need-noise'; readonly shares: number }
  | { readonly kind: 'need-input'; readonly round: Uint8Array; readonly window: Window }
  | { readonly kind: 'persist'; readonly reservation: Reservation }
  /** Connect again, with back-off; what comes is a Challenge. */
  | { readonly kind: 'reconnect' }
  /** One timer at a time; a new one replaces it. */
  | { readonly kind: 'timer'; readonly inMs: number }
  | { readonly kind: 'progress'; readonly stage: DeviceStage; readonly detail?: string }
  | { readonly kind: 'finish'; readonly outcome: DeviceOutcome };

export type DeviceStage =
  | 'waiting'
  | 'advertised'
  | 'shared'
  | 'ready'
  | 'masked'
  | 'unmasked'
  | 'recovering'
  | 'reconnecting'
  | 'resumed';

export type DeviceOutcome =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'failed'; readonly error: OnlysumError; readonly contributed: boolean };

/** What a device can show of its part in a round. Nothing in it is secret. Protocol §5.8. */
export interface Receipt {
  readonly window: Window;
  /** Whether this device's input is in the sum. */
  readonly included: boolean;
  /** Whether the coordinator said that it opened the sum; undefined if it did not say. */
  readonly opened: boolean | undefined;
  readonly devices: number;
  readonly survivors: number;
  /** What the registrar attested, and its three signatures: checked again by verifyReceipt. */
  readonly facts: RosterFacts;
  /** The hash of these facts to which every key of the round is bound, 32 bytes. */
  readonly context: Uint8Array;
  readonly rosterSignature: Uint8Array;
  /** U2 as a bitmap. */
  readonly sharedSet: Uint8Array;
  readonly sharedSetSignature: Uint8Array;
  /** U3 as a bitmap. */
  readonly survivorSet: Uint8Array;
  readonly survivorSetSignature: Uint8Array;
  /** Null if the round ended for this device without a last word. */
  readonly auditHeads: AuditHeads;
}

/** A round this device was offered. */
export interface OfferedRound {
  readonly round: Uint8Array;
  readonly window: Window;
  readonly announcement: Announcement;
}

/** This device's attested place in a round. */
export interface Seat {
  readonly facts: RosterFacts;
  readonly parameters: GraphParameters;
  readonly index: number;
  readonly neighbours: readonly Neighbour[];
  readonly context: Uint8Array;
  readonly rosterSignature: Uint8Array;
}

export interface SharedRound {
  /** U2, ascending. */
  readonly members: readonly number[];
  readonly context2: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SurvivorRound {
  /** U3, ascending. */
  readonly members: readonly number[];
  readonly signature: Uint8Array;
}

/** Shares that a neighbour dealt to this device. */
export interface HeldShares {
  readonly dealer: number;
  readonly ofSelfMask: Uint8Array;
  readonly ofMaskKey: Uint8Array;
}

/** Everything to be wiped when the round ends. One owner: the state. */
export interface Secrets {
  /** With it a broken connection is resumed; used once. */
  resumeToken: Uint8Array;
  /** The last message of this round: after a resume the same bytes go again. Empty before the first. */
  lastSent: Uint8Array;
  cSecret: Uint8Array;
  sSecret: Uint8Array;
  b: Uint8Array;
  /** By position in the leaf: key of the box from that neighbour. */
  incomingKeys: Uint8Array[];
  /** By position in the leaf: p. */
  pairSecrets: Uint8Array[];
  held: HeldShares[];
  /** One number a lane; empty before it is drawn, in a task without noise, and once it is added. */
  noise: Int32Array;
}

export function erase(secrets: Secrets): void {
  wipe(secrets.cSecret, secrets.sSecret, secrets.b, secrets.resumeToken, secrets.lastSent);
  wipe(secrets.noise);
  wipe(...secrets.incomingKeys, ...secrets.pairSecrets);
  for (const shares of secrets.held) wipe(shares.ofSelfMask, shares.ofMaskKey);
}

/** What an event brought along that no state has taken: keys, lanes, noise. */
export function eraseEvent(event: DeviceEvent): void {
  if (event.kind === 'input' || event.kind === 'noise') wipe(event.lanes);
  if (event.kind === 'derived') wipeResults(event.results);
}

/** What every phase carries: digests of the once-only messages that were accepted. */
interface Common {
  readonly accepted: ReadonlyMap<number, string>;
}

interface InRound extends Common {
  readonly offered: OfferedRound;
  /** `down`: no connection; `resuming`: a new one, on which the place has not been taken yet. */
  readonly link: 'up' | 'down' | 'resuming';
  readonly secrets: Secrets;
}

interface Seated extends InRound {
  readonly seat: Seat;
}

interface InSharedSet extends Seated {
  readonly shared: SharedRound;
}

export type DeviceState =
  | (Common & { readonly phase: 'connecting' })
  | (Common & { readonly phase: 'signing-hello'; readonly nonce: Uint8Array })
  | (Common & { readonly phase: 'waiting' })
  | (InRound & { readonly phase: 'checking-offer' })
  | (InRound & { readonly phase: 'signing-keys'; readonly keys: RoundKeys })
  | (InRound & { readonly phase: 'advertised'; readonly keys: RoundKeys })
  | (Seated & { readonly phase: 'checking-roster' })
  | (Seated & { readonly phase: 'shared' })
  | (InSharedSet & { readonly phase: 'checking-shared-set'; readonly boxes: Uint8Array })
  /** Waits for the input; before that, if need be, for the noise. */
  | (InSharedSet & { readonly phase: 'encoding' })
  | (InSharedSet & { readonly phase: 'persisting'; readonly message: Uint8Array })
  /** Recorded durably; waits for a credit to send. */
  | (InSharedSet & { readonly phase: 'ready'; readonly message: Uint8Array })
  | (InSharedSet & { readonly phase: 'masked' })
  | (InSharedSet & { readonly phase: 'checking-survivors'; readonly survivors: SurvivorRound })
  | (InSharedSet & { readonly phase: 'unmasked'; readonly survivors: SurvivorRound })
  | (Common & { readonly phase: 'finished' });

export type InPhase<P extends DeviceState['phase']> = Extract<DeviceState, { phase: P }>;

export type DeviceStep = [DeviceState, DeviceEffect[]];
