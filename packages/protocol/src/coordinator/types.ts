/**
 * The coordinator machine's vocabulary: parameters, events in, effects out, and one state per stage.
 * Knows: devices by a number the host gives them. It holds no secret that protects data.
 */
import type { Task, Window } from '@onlysum/task';
import type { Announcement } from '../announcement.js';
import type { SignedAuditHead } from '../audit-head.js';
import type { Certificate } from '../certificate.js';
import type { RosterFacts } from '../context.js';
import type { MachineContext } from '../device/types.js';
import type { DropCode } from '../drop-reasons.js';
import type { Graph } from '../graph.js';
import type { RoundKeys } from '../leaf.js';
import type { GraphParameters } from '../parameters.js';
import type { RegistrarResponse, RosterMember, UnsignedRequest } from '../registrar/requests.js';
import type { InconsistentShare } from './open-part.js';
import type { OpenJob, OpenOutcome } from './open-sum.js';
import type { MaskedTotal, RoundRecord } from '../round-record.js';

export type { MachineContext };

/** How long each stage may last, in milliseconds. */
export interface StageDurations {
  readonly gatherMs: number;
  readonly attestMs: number;
  readonly shareKeysMs: number;
  readonly maskedInputMs: number;
  readonly unmaskingMs: number;
  readonly recoveryMs: number;
  /** How long a lost connection may come back before stages stop waiting for it. */
  readonly resumeGraceMs: number;
  /** How long a credit to upload may lie unused. */
  readonly uploadMs: number;
}

export const DEFAULT_DURATIONS: StageDurations = {
  gatherMs: 30_000,
  attestMs: 15_000,
  shareKeysMs: 30_000,
  maskedInputMs: 30_000,
  unmaskingMs: 30_000,
  recoveryMs: 30_000,
  resumeGraceMs: 2_000,
  uploadMs: 5_000,
};

/** Fixed for one round. */
export interface RoundParams {
  readonly task: Task;
  readonly window: Window;
  readonly announcement: Announcement;
  /** 16 random bytes. */
  readonly round: Uint8Array;
  readonly durations: StageDurations;
  /** The cohort closes as soon as so many have advertised, `min` to `max`. Default: `target`. */
  readonly closesAt?: number;
  /** Masked inputs in flight at a time: in-flight memory is at most this many vectors. */
  readonly uploadCredits: number;
  /** `shares`: everything by shares, as the original protocol does; for comparison only. */
  readonly unmasking: 'direct' | 'shares';
  /** Whether a result comes with its round record. Left out, every seed is forgotten with the opening. */
  readonly keepRecord?: boolean;
}

/** Measured with ws: without credits 1,000 uploads at once stall the event loop for half a second. */
export const DEFAULT_UPLOAD_CREDITS = 64;

/** A device's number at the host: one connection, one number, never used again. */
export type DeviceId = number;

export type CoordinatorEvent =
  | { readonly kind: 'join'; readonly device: DeviceId; readonly certificate: Certificate }
  /** A device on a new connection claims the place it had. */
  | { readonly kind: 'resume'; readonly device: DeviceId; readonly token: Uint8Array }
  /** The grace that was asked for this connection is over. */
  | { readonly kind: 'grace-over'; readonly device: DeviceId }
  | { readonly kind: 'grants-overdue' }
  | { readonly kind: 'message'; readonly device: DeviceId; readonly bytes: Uint8Array }
  /** The connection is gone; `code` says why, as far as the host knows. */
  | { readonly kind: 'left'; readonly device: DeviceId; readonly code: DropCode }
  | { readonly kind: 'deadline'; readonly stage: CoordinatorStage }
  | { readonly kind: 'answered'; readonly response: RegistrarResponse }
  | { readonly kind: 'opened'; readonly outcome: OpenOutcome }
  /** The result is durable. `auditHead`: where the coordinator's own audit log stands now. */
  | { readonly kind: 'kept'; readonly auditHead: SignedAuditHead | null }
  /** It is not kept (`task-stopped`), or nobody knows whether it is: nobody may be told that it opened. */
  | {
      readonly kind: 'not-kept';
      readonly code: Extract<AbortCode, 'task-stopped' | 'not-kept'>;
      readonly detail: string;
    }
  /** The operator ends the round. */
  | { readonly kind: 'stop'; readonly detail: string; readonly code?: StopCode };

export type CoordinatorEffect =
  /** `bytes` may be made when they are read: to be read once, and then only if they can be sent. */
  | { readonly kind: 'send'; readonly device: DeviceId; readonly bytes: Uint8Array }
  /** Tell the device why, then close. Nothing more of it reaches this round. */
  | {
      readonly kind: 'drop';
      readonly device: DeviceId;
      readonly code: DropCode;
      readonly detail: string;
      readonly retryInMs: number;
    }
  /** The device is done here: close normally. */
  | { readonly kind: 'release'; readonly device: DeviceId }
  /** This connection is gone: say so again after `inMs`. */
  | { readonly kind: 'grace'; readonly device: DeviceId; readonly inMs: number }
  /** Look at the credits again after `inMs`. One timer at a time; a new one replaces it. */
  | { readonly kind: 'grant-timer'; readonly inMs: number }
  | { readonly kind: 'attest'; readonly request: UnsignedRequest }
  | { readonly kind: 'timer'; readonly stage: CoordinatorStage; readonly inMs: number }
  /** Take the masks off, away from the event loop. */
  | { readonly kind: 'open'; readonly job: OpenJob }
  | { readonly kind: 'stage'; readonly stage: CoordinatorStage; readonly devices: number }
  /** To be kept; the devices wait for the answer. */
  | { readonly kind: 'result'; readonly result: RoundResult }
  | { readonly kind: 'abort'; readonly code: AbortCode; readonly detail: string };

export type CoordinatorStage =
  | 'gathering'
  | 'attesting-roster'
  | 'sharing'
  | 'attesting-shared-set'
  | 'masking'
  | 'attesting-survivor-set'
  | 'unmasking'
  | 'recovering'
  | 'opening'
  | 'keeping'
  | 'finished';

export type AbortCode =
  | 'cohort-too-small'
  | 'parameters-infeasible'
  | 'registrar-refused'
  | 'registrar-unavailable'
  | 'too-many-dropped'
  | 'recovery-failed'
  /** It opened, and the host does not know whether the sum is kept. */
  | 'not-kept'
  | StopCode;

/** Why an operator ends a round; also what its devices are told. Default: `shutting-down`. */
export type StopCode = 'shutting-down' | 'task-stopped';

/** A device lost to the round: which stage it was in, and why. */
export interface Drop {
  readonly index: number;
  readonly stage: 'share-keys' | 'masked-input' | 'unmasking' | 'recovery';
  readonly code: DropCode;
}

/** A round that opened. Everything here may be published; the record is as much as all of its lanes. */
export interface RoundResult {
  readonly window: Window;
  readonly facts: RosterFacts;
  readonly devices: number;
  readonly survivors: number;
  /** Devices of the roster that are not in U3. */
  readonly dropped: readonly Drop[];
  /** Survivors that did not answer after their masked input: their masks came off by shares. */
  readonly silent: readonly Drop[];
  /** The blame log: shares that did not fit. Nobody is punished automatically. */
  readonly inconsistent: readonly InconsistentShare[];
  /** Places on which such shares can be pinned, ascending; a part of those in `inconsistent`. */
  readonly atFault: readonly number[];
  /** Decoded lane sums over U3. */
  readonly lanes: readonly number[];
  readonly rosterSignature: Uint8Array;
  /** U2 as a bitmap. */
  readonly sharedSet: Uint8Array;
  readonly sharedSetSignature: Uint8Array;
  /** U3 as a bitmap. */
  readonly survivorSet: Uint8Array;
  readonly survivorSetSignature: Uint8Array;
  /** If it was asked for. */
  readonly record?: RoundRecord;
}

/** Who holds a seat, over however many connections. */
export interface Seatholder {
  /** Its present connection, or the last one. */
  device: DeviceId;
  isConnected: boolean;
  /** Gone for longer than the grace: stages do not wait for it. */
  isOverdue: boolean;
  token: Uint8Array;
  /** SHA-256 of the last message that was accepted. */
  lastAccepted: Uint8Array | undefined;
}

/** A device that was offered the round, and perhaps has advertised. */
export interface Candidate extends Seatholder {
  readonly certificate: Certificate;
  /** Hex. */
  readonly pseudonym: string;
  member: RosterMember | undefined;
}

/** Hex of pseudonyms that the registrar refused, with its code: coming back to this round cannot help. */
type Barred = Map<string, string>;

/** A device's place in the attested roster. */
export interface Place extends Seatholder {
  readonly keys: RoundKeys;
  /** False once it is lost for good. */
  present: boolean;
  /** Digests of accepted messages by type, to tell a repeat from a conflict. */
  readonly accepted: Map<number, Uint8Array>;
}

/** What every stage after the roster carries. */
export interface Cohort {
  readonly facts: RosterFacts;
  readonly parameters: GraphParameters;
  readonly graph: Graph;
  readonly context: Uint8Array;
  readonly rosterSignature: Uint8Array;
  readonly places: readonly Place[];
  readonly indexOf: Map<DeviceId, number>;
  readonly drops: Drop[];
  /** Places that are not lost. */
  left: number;
  /** Whose answer the present stage still needs. */
  readonly waiting: Set<number>;
  /** When the present stage ends, Unix ms. */
  endsAtMs: number;
}

/** What a device needs of the roster and cannot know itself. */
export interface RosterPart {
  readonly neighbours: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/**
 * What devices shared: n times k records in one array each, by roster index and place of the neighbour;
 * zeros of who shared nothing. Tags stay until the sum is open, boxes until U3 is closed.
 */
export interface SharedKeys {
  readonly boxes: Uint8Array;
  readonly tags: Uint8Array;
}

export interface SharedSetState {
  /** U2, ascending. */
  readonly members: readonly number[];
  readonly bitmap: Uint8Array;
  readonly context2: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SurvivorSetState {
  /** U3, ascending. */
  readonly members: readonly number[];
  readonly bitmap: Uint8Array;
  readonly signature: Uint8Array;
  /** Of the registrar, when it signed that. */
  readonly auditHead: SignedAuditHead | null;
}

/** What survivors revealed, by roster index. */
export interface Reveals {
  readonly selfSeeds: Map<number, Uint8Array>;
  /** By survivor, by dropout: p, checked against both tags. */
  readonly pairSecrets: Map<number, Map<number, Uint8Array>>;
}

export interface RevealedShare {
  readonly x: number;
  readonly share: Uint8Array;
}

interface Masked {
  readonly cohort: Cohort;
  readonly tags: SharedKeys['tags'];
  readonly shared: SharedSetState;
  readonly sum: Uint32Array;
  /** By roster index; whoever is in here is in the sum. */
  readonly commitments: Map<number, Uint8Array>;
}

interface Survived extends Masked {
  readonly survivors: SurvivorSetState;
  /** U2 \ U3. */
  readonly dropped: ReadonlySet<number>;
  readonly reveals: Reveals;
}

interface Recovered extends Survived {
  /** R. */
  readonly silent: readonly number[];
  /** S. */
  readonly wanted: readonly number[];
  /** By dealer. */
  readonly selfShares: Map<number, RevealedShare[]>;
  readonly keyShares: Map<number, RevealedShare[]>;
}

export type CoordinatorState =
  | {
      readonly stage: 'gathering';
      readonly candidates: Map<DeviceId, Candidate>;
      /** How many of them have advertised. */
      advertised: number;
      /** By pseudonym, hex: the device that last came with it; it may have left since. */
      readonly deviceOf: Map<string, DeviceId>;
      readonly closesAtMs: number;
      readonly barred: Barred;
    }
  | {
      readonly stage: 'attesting-roster';
      readonly candidates: readonly Candidate[];
      readonly attempt: number;
      readonly barred: Barred;
    }
  | {
      readonly stage: 'sharing';
      readonly cohort: Cohort;
      readonly keys: SharedKeys;
      readonly parts: readonly RosterPart[];
    }
  | {
      readonly stage: 'attesting-shared-set';
      readonly cohort: Cohort;
      readonly keys: SharedKeys;
      readonly members: readonly number[];
    }
  | ({
      readonly stage: 'masking';
      /** Until U3 is closed: a device that comes back may have missed its boxes. */
      readonly boxes: SharedKeys['boxes'];
      /** Who may send now, and since when, Unix ms. */
      readonly grants: Map<number, number>;
      /** Who has asked, in order. */
      readonly queue: Set<number>;
      /** Whoever was ever given a credit: a slow upload may come after the credit was taken back. */
      readonly granted: Set<number>;
    } & Masked)
  | ({ readonly stage: 'attesting-survivor-set'; readonly members: readonly number[] } & Masked)
  | ({ readonly stage: 'unmasking' } & Survived)
  | ({ readonly stage: 'recovering' } & Recovered)
  | ({ readonly stage: 'opening'; readonly kept: MaskedTotal | undefined } & Survived)
  /** The sum is open, and nobody is told before it is kept. */
  | {
      readonly stage: 'keeping';
      readonly cohort: Cohort;
      readonly survivors: SurvivorSetState;
    }
  | { readonly stage: 'finished' };

export type InStage<S extends CoordinatorStage> = Extract<CoordinatorState, { stage: S }>;

export type CoordinatorStep = [CoordinatorState, CoordinatorEffect[]];
