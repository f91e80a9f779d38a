/** What a registrar is made from, checked together and before anything is opened or signed. */
import { type Rng, type Suite, UsageError, invalidField, toHex } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import type { Logger } from 'pino';
import type { KeyRing } from './key-ring.js';
import type { TokenIssuer, TokenLimits } from './licence-token.js';
import type { Retention } from './maintenance.js';
import type { RegistrarObserver } from './observations.js';
import type { AuditedSettings } from './start-audit.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface RegistrarOptions extends Partial<Retention> {
  /** Ed25519 seed, 32 bytes; borrowed for as long as the registrar is used. */
  readonly seed: Uint8Array;
  /** Seeds from before a rotation, whose keys still sign for the tasks that name them; borrowed. */
  readonly previousSeeds?: readonly Uint8Array[];
  /** Tasks it attests for; an administrative tool on the same store may give none. */
  readonly tasks: readonly Task[];
  /** Whose licence tokens enrol devices. Default: nobody's. */
  readonly tokenIssuers?: readonly TokenIssuer[];
  readonly tokenLimits?: Partial<TokenLimits>;
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
  /** More of what the host runs with, for the audit log's entry of the start. */
  readonly auditedSettings?: AuditedSettings;
}

const SEED_BYTES = 32;
/** What a manifest can ask for at least. */
const SHORTEST_EPOCH_MS = 1000;

/** @throws {UsageError} `argument-invalid`, or `task-mismatch` with the name of the task. */
export function checkOptions(options: RegistrarOptions): void {
  const { seed, previousSeeds = [], epochLengthMs } = options;
  checkSeed('seed', seed);
  previousSeeds.forEach((previous, i) => checkSeed(`previousSeeds[${i}]`, previous));
  checkInteger('epochLengthMs', epochLengthMs, SHORTEST_EPOCH_MS, Number.MAX_SAFE_INTEGER);
}

function checkSeed(field: string, seed: unknown): void {
  if (seed instanceof Uint8Array && seed.length === SEED_BYTES) return;
  // What came may be a seed with a typing error.
  const got = seed instanceof Uint8Array ? `${seed.length} bytes` : `a ${typeof seed}`;
  const expected = `${SEED_BYTES} bytes`;
  throw new UsageError('argument-invalid', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got,
  });
}

/** @throws {UsageError} `task-mismatch`. */
export function checkTasks(tasks: readonly Task[], ring: KeyRing, epochLengthMs: number): void {
  tasks.forEach(({ manifest, registrarKey }, i) => {
    const task = `tasks[${i}] (${manifest.name} version ${manifest.version})`;
    if (ring.find(registrarKey) === undefined) {
      const { publicKey } = ring.present;
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
