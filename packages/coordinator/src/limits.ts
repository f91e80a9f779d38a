/**
 * What one peer, one address and all of them together may use. Protocol §6.
 * Knows: numbers and how large a message of a task can be. Doesn't know: sockets.
 */
import {
  BOX_BYTES,
  DEFAULT_UPLOAD_CREDITS,
  KEY_BYTES,
  mostNeighbours,
  PAIR_TAG_BYTES,
  SHARE_RECORD_BYTES,
} from '@onlysum/protocol';
import type { Task } from '@onlysum/task';

export interface Limits {
  /** Open connections in all. The next one is told `overloaded`. */
  readonly connections: number;
  /**
   * Open connections of one address, or of one IPv6 network of 64 bits. Behind a proxy that is not named in
   * `trustProxy` all devices have the proxy's address.
   */
  readonly connectionsPerAddress: number;
  /** Longest wait for a request's head, for Hello, and for AdvertiseKeys after the offer. */
  readonly helloTimeoutMs: number;
  /** Largest message of a device. A task that needs more is refused at start. */
  readonly frameBytes: number;
  /** A device that leaves more messages than this unread is sent away. */
  readonly waitingMessages: number;
  /** Messages and pings of one connection. An honest device needs eight. */
  readonly messagesPerConnection: number;
  /** Time between pings; a peer that has not answered one by the next is gone. */
  readonly pingIntervalMs: number;
  /** Longest wait for a peer to close its side. */
  readonly closeTimeoutMs: number;
  /** Masked inputs of one round on their way at a time. */
  readonly uploadCredits: number;
}

export const DEFAULT_LIMITS: Limits = {
  // Each idle connection costs some 20 kB.
  connections: 10_000,
  // A large site behind one NAT.
  connectionsPerAddress: 1_024,
  helloTimeoutMs: 10_000,
  // Room for the boxes of a thousand neighbours, and for 65,535 lanes of 32 bits.
  frameBytes: 512 * 1024,
  // An honest device is sent ten in all.
  waitingMessages: 16,
  // Repeats of accepted messages are harmless and allowed.
  messagesPerConnection: 64,
  pingIntervalMs: 15_000,
  closeTimeoutMs: 2_000,
  uploadCredits: DEFAULT_UPLOAD_CREDITS,
};

/** Hello is about 250 bytes; nobody who has not said it may send more at a time. */
export const HELLO_FRAME_BYTES = 1_024;
/** Type, round, heads of the fields, commitment. */
const MESSAGE_OVERHEAD_BYTES = 256;

/** The largest message that a device can have to send in a round of this task. */
export function largestFrameBytes(task: Task): number {
  const neighbours = mostNeighbours(task.manifest.cohort.max);
  const body = Math.max(
    neighbours * (BOX_BYTES + PAIR_TAG_BYTES),
    neighbours * SHARE_RECORD_BYTES,
    KEY_BYTES + neighbours * KEY_BYTES,
    task.layout.vectorBytes,
  );
  return Math.max(body + MESSAGE_OVERHEAD_BYTES, HELLO_FRAME_BYTES);
}
