/** What the processes of a replay tell each other. */

/** To a process of devices. */
export type ToDevices =
  | { readonly kind: 'connect'; readonly url: string }
  /** To send what follows the offer, and everything after it. */
  | { readonly kind: 'go' };

export type FromDevices =
  | { readonly kind: 'connected' }
  /** Every connection is closed. */
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly detail: string };

/** To a server: the shipped coordinator, or the bare one. */
export type ToServer =
  /** Measure from now on. */
  { readonly kind: 'go' };

export type FromServer =
  | { readonly kind: 'listening'; readonly url: string }
  | ({ readonly kind: 'finished' } & ServerCost)
  | { readonly kind: 'failed'; readonly detail: string };

/** From `go` to the last connection's end. */
export interface ServerCost {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** Of the process since its start. */
  readonly peakRssMiB: number;
  /** Of the event loop, 99th percentile. */
  readonly delayP99Ms: number;
}
