/** What a client is made of, checked once. Knows: fields and defaults. Doesn't know: what they do. */
import {
  invalidField,
  type OnlysumError,
  parseHex,
  portableSuite,
  type Rng,
  type Suite,
  systemRng,
  UsageError,
} from '@onlysum/crypto';
import type { DeviceStage } from '@onlysum/protocol';
import { DEFAULT_FLOOR, type PolicyFloor } from '@onlysum/task';
import { type Derive, deriveOn } from './derive.js';
import { checkRegistrarUrl, type FetchLike } from './registrar-http.js';
import type { ClientStore } from './store.js';
import type { Transport } from './transport.js';
import { webSocketTransport } from './web-socket-transport.js';

export interface ClientOptions {
  /** The signed manifest, as parsed from its JSON file. */
  readonly manifest: unknown;
  /** The only publisher whose manifests are taken: Ed25519 public key, hex. */
  readonly publisherKey: string;
  /** Where the registrar is; https:// unless it is this machine. */
  readonly registrarUrl: string;
  /** The device's durable record. The client closes it. */
  readonly store: ClientStore;
  /** What this device demands of a task, whoever signed it. */
  readonly floor?: PolicyFloor;
  /** Optional groups that the user gives. Essential groups are always given. */
  readonly consent?: Iterable<string>;
  readonly transport?: Transport;
  /**
   * Does all cryptography, e.g. `portableSuite`. By default WebCrypto does the public-key operations of
   * a round that the platform has, and the portable suite everything else.
   */
  readonly suite?: Suite;
  /** CSPRNG. */
  readonly rng?: Rng;
  /** Unix ms. */
  readonly now?: () => number;
  readonly fetch?: FetchLike;
  /** Most time, in ms, that a coordinator may take to offer a round. Default 30,000. */
  readonly offerTimeoutMs?: number;
  /** What a submission is doing. Errors it throws are ignored. */
  onProgress?(progress: Progress): void;
  /**
   * What went wrong where no call could throw: in `record` and in the background. Errors it throws are
   * ignored.
   */
  onProblem?(problem: OnlysumError): void;
}

export interface Progress {
  readonly stage: DeviceStage | 'retrying';
  /** A sentence for a person, e.g. how many devices are missing. */
  readonly detail: string | undefined;
}

export interface CheckedOptions {
  readonly manifest: unknown;
  readonly publisherKey: Uint8Array;
  readonly registrarUrl: string;
  readonly store: ClientStore;
  readonly floor: PolicyFloor;
  readonly consent: readonly string[];
  readonly transport: Transport;
  readonly suite: Suite;
  readonly derive: Derive;
  readonly rng: Rng;
  readonly now: () => number;
  readonly fetch: FetchLike;
  readonly offerTimeoutMs: number;
  readonly onProgress: (progress: Progress) => void;
  readonly onProblem: (problem: OnlysumError) => void;
}

/** An offer comes as soon as a connection is admitted; only a coordinator in trouble needs longer. */
const OFFER_TIMEOUT_MS = 30_000;

/** @throws {UsageError} `argument-invalid`, `hex-invalid`, `transport-missing`. */
export function checkOptions(options: ClientOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', 'an object', options);
  }
  const { store, consent = [], offerTimeoutMs = OFFER_TIMEOUT_MS } = options;
  if (typeof store?.update !== 'function' || typeof store.read !== 'function') {
    throw invalid('store', 'a ClientStore, e.g. memoryStore()', store);
  }
  if (typeof consent === 'string' || typeof consent?.[Symbol.iterator] !== 'function') {
    throw invalid('consent', 'a list of group names', consent);
  }
  checkDuration('offerTimeoutMs', offerTimeoutMs);
  for (const name of ['rng', 'now', 'fetch', 'onProgress', 'onProblem'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw invalid(name, 'a function', options[name]);
    }
  }
  const transport = options.transport ?? webSocketTransport();
  if (typeof transport.connect !== 'function') throw invalid('transport', 'a Transport', transport);
  return {
    manifest: options.manifest,
    publisherKey: parseHex('publisherKey', options.publisherKey, 32),
    registrarUrl: checkRegistrarUrl(options.registrarUrl),
    store,
    floor: options.floor ?? DEFAULT_FLOOR,
    consent: [...consent],
    transport,
    suite: options.suite ?? portableSuite,
    derive: deriveOn(options.suite),
    rng: options.rng ?? systemRng,
    now: options.now ?? Date.now,
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    offerTimeoutMs,
    onProgress: harmless((progress) => options.onProgress?.(progress)),
    onProblem: harmless((problem) => options.onProblem?.(problem)),
  };
}

/** @throws {UsageError} `argument-invalid`. */
export function checkDuration(field: string, ms: unknown): void {
  if (typeof ms === 'number' && Number.isFinite(ms) && ms > 0) return;
  throw invalid(field, 'milliseconds above 0', ms);
}

/** A host's callback must not break the client, nor the client the host. */
function harmless<T>(callback: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch {
      // There is nobody to tell: this was the one who is told.
    }
  };
}

function invalid(field: string, expected: string, got: unknown): UsageError {
  return invalidField(UsageError, 'argument-invalid', field, expected, got);
}
