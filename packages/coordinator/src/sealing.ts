/**
 * Keys for results at rest: those that the operator names, or one in a file that is made. Knows: keys.
 * Doesn't know: stores.
 * Invariant: a result is never kept in the clear.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, rmSync, writeFileSync } from 'node:fs';
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

/** Seals and opens results; a {@link Sealer} does. */
export interface ResultSealing {
  /** Of the key that seals. */
  readonly keyId: string;
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
 * @throws {UsageError} `seal-key-unavailable`, `seal-key-invalid`.
 */
export async function fileSealing(path: string): Promise<ResultSealing> {
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
