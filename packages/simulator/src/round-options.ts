/** What a simulated round is asked to do, and what it answers. */
import type { Rng, Suite } from '@onlysum/crypto';
import {
  type AbortCode,
  type DeviceOutcome,
  type Reservation,
  type ReservationOutcome,
  type RoundParams,
  type RoundResult,
  advertiseKeys,
  hello,
  maskedInput,
  resume,
  revealShares,
  shareKeys,
  unmasking,
  uploadRequest,
} from '@onlysum/protocol';
import type { PolicyFloor, Task } from '@onlysum/task';
import type { NetworkFaults } from './network.js';
import type { RoundObserver } from './observer.js';
import type { SyntheticTask } from './synthetic-task.js';

/** Where a device is killed: before or after it sends its `message`. Types as in docs/protocol.md. */
export interface Kill {
  readonly device: number;
  readonly when: 'before' | 'after';
  readonly message: DeviceMessage;
  /** Whether the coordinator notices that the connection is gone, or only that nothing comes. */
  readonly noticed: boolean;
}

/** A connection that breaks at a message, and the device that comes back on another one. */
export interface Interruption {
  readonly device: number;
  /** `before`: the message is lost with the connection; `after`: it arrives, its effect does not come back. */
  readonly when: 'before' | 'after';
  readonly message: DeviceMessage;
  readonly returnsInMs: number;
}

export const DEVICE_MESSAGES = {
  Hello: hello.type,
  Resume: resume.type,
  AdvertiseKeys: advertiseKeys.type,
  ShareKeys: shareKeys.type,
  UploadRequest: uploadRequest.type,
  MaskedInput: maskedInput.type,
  Unmasking: unmasking.type,
  RevealShares: revealShares.type,
} as const;
export type DeviceMessage = keyof typeof DEVICE_MESSAGES;

export interface RoundOptions {
  readonly seed: string;
  readonly suite: Suite;
  readonly synthetic: SyntheticTask;
  readonly floor: PolicyFloor;
  /** Input of each device, one number per lane, within the bounds; copied. */
  readonly inputs: readonly Uint32Array[];
  /** Draws a device's noise, one number a lane; needed if the task has noise. */
  readonly noise?: (device: number, honest: number, rng: Rng) => Int32Array;
  readonly kills: readonly Kill[];
  readonly faults: NetworkFaults;
  readonly interruptions?: readonly Interruption[];
  /** Masked inputs in flight at a time; default as the coordinator's. */
  readonly uploadCredits?: number;
  readonly unmasking?: RoundParams['unmasking'];
  readonly keepRecord?: boolean;
  /** Somebody on the path: what is carried instead of a message, nothing or several. */
  readonly intercept?: (message: SimulatedMessage) => readonly Uint8Array[];
  /** What each device's durable store answers; `reserved` unless told otherwise. */
  readonly reservation?: (device: number, reservation: Reservation) => ReservationOutcome;
  /** Devices numbered `from` and above connect this much later than the others. */
  readonly late?: { readonly from: number; readonly delayMs: number };
  /** The task as devices know it, where it differs from that of coordinator and registrar. */
  readonly deviceTask?: Task;
  /** Devices that enrol only after the registrar has frozen the window. */
  readonly enrolledLate?: readonly number[];
  /** The highest incarnation every device has met before. */
  readonly knownIncarnation?: number;
  /** Sees work and messages as they happen; then no transcript is kept. */
  readonly observer?: RoundObserver;
}

export interface SimulatedMessage {
  readonly atMs: number;
  readonly device: number;
  readonly direction: 'up' | 'down';
  readonly bytes: Uint8Array;
}

export interface SimulatedRound {
  readonly outcome:
    | { readonly kind: 'result'; readonly result: RoundResult }
    | { readonly kind: 'abort'; readonly code: AbortCode; readonly detail: string }
    /** Nobody is left to end it: only possible if the simulation stops early. */
    | { readonly kind: 'unfinished' };
  /** Which device sits at each roster index; from the order in which they advertised. */
  readonly seats: readonly number[];
  /** How each device ended; undefined if it was killed. */
  readonly devices: readonly (DeviceOutcome | undefined)[];
  /** Everything that was put on the wire, in order; empty if an observer was there to see it. */
  readonly transcript: readonly SimulatedMessage[];
}
