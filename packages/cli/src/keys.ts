/** From a path to a key, with the passphrase of the environment. */
import { statSync } from 'node:fs';
import { toHex, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Manifest } from '@onlysum/task';
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

interface LoadedKey {
  readonly keyLabel: string;
  readonly keyPath: string;
  readonly publicKey: Uint8Array;
}

/** Roles that a manifest names by their keys. */
export type Role = 'publisher' | 'registrar' | 'coordinator';

/**
 * Checks a key before anything is started or signed with it.
 *
 * @param keyPath - its file, and `keyLabel` the flag or line that gave it.
 * @param manifestPath - the file of `manifest`, which must name the key in `role`.
 * @param code - what to report it as.
 * @throws {UsageError} that names the flag, both files and both keys.
 */
export function checkRoleKey(
  code: 'publisher-mismatch' | 'task-mismatch',
  role: Role,
  { keyLabel, keyPath, publicKey }: LoadedKey,
  { manifestPath, manifest }: { readonly manifestPath: string; readonly manifest: Manifest },
): void {
  const keys = roleKeys(manifest);
  const got = toHex(publicKey);
  if (keys[role] === got) return;
  const other = ROLES.find((name) => keys[name] === got);
  const whose = other === undefined ? '' : `, which is the ${other}'s`;
  const expected = `the key of the ${role} that ${manifestPath} names, ${keys[role]}`;
  throw new UsageError(code, `${keyLabel} ${keyPath}: expected ${expected}, got ${got}${whose}`, {
    field: keyLabel,
    expected,
    got,
  });
}

const ROLES = ['publisher', 'registrar', 'coordinator'] as const;

/** Hex. */
export function roleKeys({
  publisher,
  registrar,
  coordinator,
}: Manifest): Readonly<Record<Role, string>> {
  return { publisher, registrar, coordinator: coordinator.key };
}
