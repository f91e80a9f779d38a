/**
 * How a client reaches a coordinator: an interface, one file per implementation.
 * Knows: opening, binary messages, closing. Doesn't know: what a message means.
 * Invariant: `onClose` comes exactly once, also if opening fails; no `onMessage` comes after it.
 */

/** RFC 6455 §7.4.1: closed as agreed. */
export const CLOSE_NORMAL = 1000;
/** RFC 6455 §7.4.1: no close frame came; the connection just ended. */
export const CLOSE_ABNORMAL = 1006;

export interface Closing {
  /** WebSocket close code; 1006 if the connection ended without one. */
  readonly code: number;
  /** What the peer or the network said; may be empty. */
  readonly reason: string;
}

export interface ConnectOptions {
  /** Subprotocol that the server must agree to. */
  readonly protocol: string;
  /** A longer message closes the connection. */
  readonly maxMessageBytes: number;
  /** Whether the open connection keeps a Node process from exiting. Browsers ignore it. */
  readonly holdsProcess: boolean;
  onOpen(): void;
  /** @param bytes - owned by the receiver. */
  onMessage(bytes: Uint8Array): void;
  onClose(closing: Closing): void;
}

export interface Connection {
  /** Sends one binary message; does nothing once closed. */
  send(bytes: Uint8Array): void;
  /** Closes normally; does nothing once closed. */
  close(): void;
}

export interface Transport {
  /**
   * Never throws for what the network does: that comes as `onClose`. Calls nothing before it has
   * returned.
   */
  connect(url: string, options: ConnectOptions): Connection;
}
