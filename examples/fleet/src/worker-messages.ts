/** What the demo and its worker processes say to each other. Everything in it survives a structured clone. */
import type { SubmitReceipt } from '@onlysum/client';
import type { SignedManifest } from '@onlysum/task';
import type { PlannedDrop } from './drops.js';
import type { PlannedInterruption } from './interruptions.js';

/** One device: who it is and what it will report besides its own measurements. */
export interface DevicePlan {
  readonly index: number;
  /** Enrolment code, used once. */
  readonly code: string;
  readonly version: string;
  readonly compliant: boolean;
  /** Optional groups that its user gives. */
  readonly consent: readonly string[];
  readonly drop: PlannedDrop | undefined;
  /** Of a device that does not drop. */
  readonly interruption: PlannedInterruption | undefined;
}

export interface WorkerSetup {
  readonly signedManifest: SignedManifest;
  /** Hex. */
  readonly publisherKey: string;
  readonly registrarUrl: string;
  readonly submitTimeoutMs: number;
  readonly devices: readonly DevicePlan[];
}

export type ToWorker =
  | { readonly kind: 'start'; readonly setup: WorkerSetup }
  /** Sent once all devices of all workers are enrolled: a window counts who is enrolled as it opens. */
  | { readonly kind: 'submit' };

export type FromWorker =
  | { readonly kind: 'booted' }
  | { readonly kind: 'enrolled'; readonly device: number }
  /** Out of band and for the check only: the plain vector that this device masks. */
  | { readonly kind: 'input'; readonly device: number; readonly lanes: readonly number[] }
  /** The place that the attested roster gives the device. */
  | { readonly kind: 'seated'; readonly device: number; readonly place: number }
  /** The masked input has left; `vector` is hex, as it went over the wire. */
  | { readonly kind: 'masked'; readonly device: number; readonly vector: string }
  /** This process stands still at the point where it is to be killed. */
  | { readonly kind: 'kill-me'; readonly device: number }
  | { readonly kind: 'done'; readonly report: DeviceReport }
  /** All devices are done; CPU time of this process since `start`, for all of them. */
  | { readonly kind: 'finished'; readonly cpuMs: number }
  | { readonly kind: 'failed'; readonly detail: string };

export interface DeviceReport {
  readonly device: number;
  /** Undefined for a device that dropped. */
  readonly receipt: SubmitReceipt | undefined;
  /** What went wrong with a device that was not to drop. */
  readonly problem: string | undefined;
  /** From the call of `submit` to its end. */
  readonly submitMs: number;
  /** WebSocket payload. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How often it took its place again after its connection had broken. */
  readonly resumes: number;
}
