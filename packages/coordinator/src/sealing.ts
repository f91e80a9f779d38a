/**
 * Keys for results at rest: those that the operator names, or one in a file that is made. Knows: keys.
 * Doesn't know: stores.
 * Invariant: a result is never kept in the clear.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import {
  invalidField,
  type Rng,
  type Suite,
  systemRng,
  toHex,
  UsageError,
  wipe,
} from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  loadSealKey,
  SEAL_KEY_BYTES,
  type SealedPlace,
  Sealer,
  type SealKeyOptions,
  type SealKeySource,
} from '@onlysum/service';
import type { CoordinatorStore } from './store/coordinator-store.js';
import type { StoredResult } from './store/records.js';

/** Seals and opens results; a {@link Sealer} does. */
export interface ResultSealing {
  /** Of the key that seals. */
  readonly keyId: string;
  /** Of all keys that open, that one first. */
  readonly keyIds: readonly string[];
  seal(plaintext: Uint8Array, place: SealedPlace): Uint8Array;
  /** @throws {UsageError} `seal-key-unknown`, `seal-open-failed`. */
  open(sealed: Uint8Array, place: SealedPlace): Uint8Array;
}

/** Under a key that is gone with the process: for stores that are, too. */
export function freshSealing(suite: Suite = nativeSuite, rng: Rng = systemRng): ResultSealing {
  const key = rng(SEAL_KEY_BYTES);
  try {
    return new Sealer(suite, rng, key);
  } finally {
    wipe(key);
  }
}

/**
 * Under the key in a file, mode 0600; the first who asks makes it.
 *
 * @param path - e.g. beside the store's directory: whoever has both can read every result.
 * @param store - what it is for: no key is made beside one that has results already.
 * @throws {UsageError} `seal-key-unavailable`, `seal-key-invalid`; `seal-key-unknown` for a file that is
 *   gone; `store-unavailable`.
 */
export async function fileSealing(path: string, store?: CoordinatorStore): Promise<ResultSealing> {
  if (store !== undefined) await checkKeyFile(path, store);
  makeKeyFile(path);
  return keyedSealing([{ file: path }]);
}

/**
 * Under keys that lie elsewhere.
 *
 * @param sources - the first seals; the rest open what was sealed before a rotation. At least one.
 * @throws {UsageError} `seal-key-unavailable`, `seal-key-invalid`.
 */
export async function keyedSealing(
  sources: readonly SealKeySource[],
  options: SealKeyOptions = {},
): Promise<ResultSealing> {
  const keys: Uint8Array[] = [];
  try {
    for (const source of sources) keys.push(await loadSealKey(source, options));
    const [present, ...older] = keys;
    if (present === undefined) {
      throw invalidField(UsageError, 'seal-key-unavailable', 'sources', 'at least one', sources);
    }
    return new Sealer(nativeSuite, systemRng, present, older);
  } finally {
    wipe(...keys);
  }
}

/**
 * That the file of a store with results is there; what is in it is another matter.
 *
 * @throws {UsageError} `seal-key-unknown`, `store-unavailable`.
 */
export async function checkKeyFile(path: string, store: CoordinatorStore): Promise<void> {
  if (existsSync(path)) return;
  const [sealed] = await store.resultsUnderOtherKeys(NO_KEY, { limit: 1 });
  if (sealed === undefined) return;
  const got = `${path}, which is not there`;
  throw keyUnknown(`the file of key ${sealed.keyId}`, got, 'put it back: no new one is made');
}

/**
 * Before the first device comes: what is in the store can be opened, or nobody would notice until it is read.
 *
 * @throws {UsageError} `seal-key-unknown`, `store-unavailable`.
 */
export async function checkSealKeys(
  store: CoordinatorStore,
  sealing: ResultSealing,
): Promise<void> {
  const unknown = await unknownKeys(store, sealing);
  if (unknown.size === 0) return;
  const results = [...unknown.values()].reduce((sum, count) => sum + count, 0);
  const ids = [...unknown.keys()].join(', ');
  const known = sealing.keyIds.join(', ');
  throw keyUnknown(
    `the key of the ${results} results that are sealed under ${ids}`,
    known,
    'give it after the first key, or put its file back',
  );
}

/** Results by key, of those that none of these opens. */
async function unknownKeys(
  store: CoordinatorStore,
  sealing: ResultSealing,
): Promise<ReadonlyMap<string, number>> {
  const unknown = new Map<string, number>();
  // Except while keys change, all are under the first one, and nothing has to be read.
  const [other] = await store.resultsUnderOtherKeys(sealing.keyId, { limit: 1 });
  if (other === undefined) return unknown;
  for (const { taskId } of await store.tasks()) {
    let page: readonly StoredResult[] = [];
    do {
      const before = page.at(-1);
      page = await store.results(taskId, { limit: PAGE, ...(before && { before }) });
      for (const { keyId } of page) {
        if (!sealing.keyIds.includes(keyId)) unknown.set(keyId, (unknown.get(keyId) ?? 0) + 1);
      }
    } while (page.length === PAGE);
  }
  return unknown;
}

function keyUnknown(expected: string, got: string, help: string): UsageError {
  const message = `resultsKey: expected ${expected}, got ${got}: ${help}`;
  return new UsageError('seal-key-unknown', message, { field: 'resultsKey', expected, got });
}

const PAGE = 100;
/** Ids of keys are hex. */
const NO_KEY = 'none';

/** Written whole beside it and linked, so that of two processes that start at once one makes it. */
function makeKeyFile(path: string): void {
  const draft = `${path}.${toHex(randomBytes(6))}`;
  const key = randomBytes(SEAL_KEY_BYTES);
  try {
    writeFileSync(draft, `${toHex(key)}\n`, { flag: 'wx', mode: 0o600, flush: true });
    chmodSync(draft, 0o600);
    linkSync(draft, path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    const why = error instanceof Error ? error.message : String(error);
    const expected = 'a file that can be made';
    throw new UsageError('seal-key-unavailable', `seal key: expected ${expected}: ${why}`, {
      field: 'sealKey',
      expected,
      cause: error,
    });
  } finally {
    wipe(key);
    rmSync(draft, { force: true });
  }
}
