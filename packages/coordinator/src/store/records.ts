/**
 * What a coordinator keeps. Knows: shapes. Doesn't know: where it is kept.
 * Invariant: nothing here can hold a device's vector or a pseudonym; sums are sealed bytes only.
 */
import type { DropCount, PublishedResult, RoundCost } from '../published-result.js';

/** A task that is served. */
export interface NewTask {
  /** Hex, 32 bytes. */
  readonly taskId: string;
  readonly name: string;
  readonly version: number;
  /** The signed manifest's JSON, as it was published. */
  readonly signedManifest: string;
}

/** The kill switch. */
export type TaskState =
  | { readonly state: 'open' }
  | { readonly state: 'stopped'; readonly reason: string };

export type TaskRecord = NewTask & TaskState;

export interface WindowName {
  /** Hex, 32 bytes. */
  readonly taskId: string;
  readonly window: number;
}

export interface NewWindow extends WindowName {
  /** When it ends. Unix ms. */
  readonly deadlineMs: number;
}

/** `closed`: it has what it will have. `too-few`: it ended without a cohort. */
export type WindowDecision = 'closed' | 'too-few';

export interface WindowRecord extends NewWindow {
  readonly state: 'open' | WindowDecision;
}

interface RoundFacts extends WindowName {
  /** Hex, 16 bytes. */
  readonly round: string;
  /** Unix ms. */
  readonly closedMs: number;
  /** Devices of the attested roster, or of the cohort as far as it came. */
  readonly devices: number;
  readonly drops: readonly DropCount[];
  readonly cost: RoundCost;
}

export interface OpenedRound extends RoundFacts {
  readonly state: 'opened';
  readonly survivors: number;
  /** Survivors that fell silent after their masked input. */
  readonly silent: number;
  readonly attested: AttestedEvidence;
}

export interface AbortedRound extends RoundFacts {
  readonly state: 'aborted';
  /** The code of docs/errors.md, and what else is known. */
  readonly reason: string;
  readonly detail?: string;
  /** What had been attested by then. */
  readonly attested?: Partial<AttestedEvidence>;
}

/** What the registrar attested of a round, with its signatures; hex. */
export type AttestedEvidence = PublishedResult['attested'];

export type RoundOutcome = OpenedRound | AbortedRound;

export type RoundRecord = RoundOutcome & {
  /** Orders the rounds of a store; grows. */
  readonly serial: number;
  /** False if it did not open, or its result was deleted. */
  readonly hasResult: boolean;
};

export interface SealedResult {
  /** Of the key that opens it. */
  readonly keyId: string;
  /** Opaque here. */
  readonly sealed: Uint8Array;
}

/** How a round ended: with a result exactly if it opened. */
export type RoundClose =
  | { readonly outcome: OpenedRound; readonly result: SealedResult }
  | { readonly outcome: AbortedRound; readonly result?: undefined };

/** Where a round stands among those of its task: by window, then by serial. */
export interface RoundPlace {
  readonly window: number;
  readonly serial: number;
}

/** Which result, without its bytes. */
export interface ResultName extends WindowName, RoundPlace {
  readonly round: string;
  readonly closedMs: number;
  readonly keyId: string;
}

export interface StoredResult extends ResultName, SealedResult {}
