/** From a path to a key, with the passphrase of the environment. */
import { statSync } from 'node:fs';
import { nativeSuite } from '@onlysum/crypto/node';
import { inFile, readJson } from './files.js';
import { openKeyFile } from './key-file.js';
import { warn } from './output.js';
import type { Terminal } from './terminal.js';

const PASSPHRASE_VARIABLE = 'ONLYSUM_PASSPHRASE';
const OTHERS = 0o077;

/** @returns undefined if it is not set, or empty. */
export function passphraseOf({ env }: Terminal): string | undefined {
  return env[PASSPHRASE_VARIABLE] || undefined;
}

/**
 * @returns the seed, owned by the caller, who wipes it.
 * @throws {UsageError} `file-unreadable`, `file-invalid`, or as {@link openKeyFile}.
 */
export function loadKey(
  path: string,
  terminal: Terminal,
): { readonly publicKey: Uint8Array; readonly seed: Uint8Array } {
  const value = readJson(path);
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
    warn(terminal, `${path} can be read by others than its owner: chmod 600 it`);
  }
  return inFile(path, () => openKeyFile(nativeSuite, value, passphraseOf(terminal)));
}
