/** What a registrar is made from, checked together and before anything is opened or signed. */
import { type Rng, type Suite, UsageError, equalBytes, invalidField, toHex } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
import type { RegistrarObserver } from './observations.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface RegistrarOptions {
  /** Ed25519 seed, 32 bytes; borrowed for as long as the registrar is used. */
  readonly seed: Uint8Array;
  /** Tasks it attests for; an administrative tool on the same store may give none. */
  readonly tasks: readonly Task[];
  /** Length of an epoch; that of every task. */
  readonly epochLengthMs: number;
  /** Borrowed: the caller closes it after the registrar. */
  readonly store: RegistrarStore;
  /** Default: the native suite. */
  readonly suite?: Suite;
  /** Default: the platform's CSPRNG. Whoever can foretell it can foretell pools and codes. */
  readonly rng?: Rng;
  /** Unix time in milliseconds. Default: the system clock. */
  readonly now?: () => number;
  /** Default: no log. */
  readonly logger?: Logger;
  /** Told of every answer; default: nobody. */
  readonly observer?: RegistrarObserver;
}

const SEED_BYTES = 32;
/** What a manifest can ask for at least. */
const SHORTEST_EPOCH_MS = 1000;

/** @throws {UsageError} `argument-invalid`, or `task-mismatch` with the name of the task. */
export function checkOptions(options: RegistrarOptions): void {
  const { seed, epochLengthMs } = options;
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_BYTES) {
    throw invalidField(UsageError, 'argument-invalid', 'seed', `${SEED_BYTES} bytes`, seed);
  }
  checkInteger('epochLengthMs', epochLengthMs, SHORTEST_EPOCH_MS, Number.MAX_SAFE_INTEGER);
}

/** @throws {UsageError} `task-mismatch`. */
export function checkTasks(
  tasks: readonly Task[],
  publicKey: Uint8Array,
  epochLengthMs: number,
): void {
  tasks.forEach(({ manifest, registrarKey }, i) => {
    const task = `tasks[${i}] (${manifest.name} version ${manifest.version})`;
    if (!equalBytes(registrarKey, publicKey)) {
      throw keyMismatch('task-mismatch', `${task}.registrar`, publicKey, registrarKey);
    }
    if (manifest.epoch.lengthMs !== epochLengthMs) {
      const expected = `this registrar's ${epochLengthMs}`;
      const field = `${task}.epoch.lengthMs`;
      throw invalidField(UsageError, 'task-mismatch', field, expected, manifest.epoch.lengthMs);
    }
  });
}

/** @throws {UsageError} `argument-invalid`. */
export function checkInteger(field: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    return;
  const expected = `an integer from ${least} to ${most}`;
  throw invalidField(UsageError, 'argument-invalid', field, expected, value);
}

/** @param expected - the registrar's own public key. */
export function keyMismatch(
  code: string,
  field: string,
  expected: Uint8Array,
  came: Uint8Array,
): UsageError {
  const [own, got] = [`this registrar's key ${toHex(expected)}`, toHex(came)];
  return new UsageError(code, `${field}: expected ${own}, got ${got}`, {
    field,
    expected: own,
    got,
  });
}
