/** `onlysum manifest sign`: the publisher's signature, in a file beside the manifest. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalidField, toHex, UsageError, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  canonicalBytes,
  checkVersion,
  type Manifest,
  parseManifest,
  signManifest,
} from '@onlysum/task';
import type { Command } from 'commander';
import { inFile, readJson, replaceFile } from '../files.js';
import { jsonOption, pathFlag } from '../flags.js';
import { checkRoleKey, loadKey } from '../keys.js';
import { checkVersionRaised } from '../manifest-diff.js';
import { print, printJson } from '../output.js';
import { loadManifest, loadTask } from '../tasks.js';
import type { Terminal } from '../terminal.js';

const PUBLIC_MODE = 0o644;

interface SignFlags {
  readonly key?: string;
  readonly force?: true;
  readonly previous?: string;
  readonly json?: true;
}

export function addManifestSign(manifest: Command, terminal: Terminal): void {
  manifest
    .command('sign')
    .summary("sign a manifest with the publisher's key")
    .description(
      'Writes the signed manifest beside it: manifest.json becomes manifest.signed.json. A signed\n' +
        'manifest is replaced only by one of a higher version, since devices never go back.',
    )
    .argument('[file]', 'manifest', 'manifest.json')
    .option(
      '--key <file>',
      "publisher's key file (default: keys/publisher.json)",
      pathFlag('--key', terminal.cwd),
    )
    .option(
      '--previous <file>',
      'refuse to ask for more than this manifest without a higher version',
      pathFlag('--previous', terminal.cwd),
    )
    .option('--force', 'replace a signed manifest of the same version that no device has seen')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum manifest sign manifest.json --key keys/publisher.json',
    )
    .action((file: string, flags: SignFlags) => {
      const path = resolve(terminal.cwd, file);
      const signedPath = `${path.replace(/\.json$/, '')}.signed.json`;
      const value = readJson(path);
      if (isSigned(value)) throw signedAlready(path);
      const parsed = inFile(path, () => parseManifest(value));
      if (flags.force !== true && existsSync(signedPath)) {
        inFile(path, () => checkSuccessor(parsed, loadTask(signedPath).manifest));
      }
      if (flags.previous !== undefined) {
        const { manifest: previous } = loadManifest(flags.previous);
        inFile(path, () => checkVersionRaised(previous, parsed));
      }
      const keyPath = flags.key ?? resolve(terminal.cwd, 'keys/publisher.json');
      const { seed, publicKey } = loadKey(keyPath, terminal);
      try {
        const file = { manifestPath: path, manifest: parsed };
        const key = { keyLabel: '--key', keyPath, publicKey };
        checkRoleKey('publisher-mismatch', 'publisher', key, file);
        const signed = inFile(path, () => signManifest(nativeSuite, parsed, seed));
        replaceFile(signedPath, `${JSON.stringify(signed, undefined, 2)}\n`, PUBLIC_MODE);
      } finally {
        wipe(seed);
      }
      const { name, version, publisher } = parsed;
      const taskId = toHex(nativeSuite.sha256(canonicalBytes(parsed)));
      if (flags.json === true) {
        printJson(terminal, { file: signedPath, name, version, taskId, publisher });
        return;
      }
      print(terminal, `Signed ${name} version ${version}: ${signedPath}`, `task ${taskId}`);
    });
}

function isSigned(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'manifest' in value && 'signature' in value;
}

function signedAlready(path: string): UsageError {
  const expected = 'a manifest without a signature';
  const got = 'one that is signed already: change and sign the file it was made from';
  return new UsageError('file-invalid', `${path}: expected ${expected}, got ${got}`, {
    field: path,
    expected,
    got,
  });
}

/** @throws {UsageError} `manifest-rollback`, `version-not-raised`. */
function checkSuccessor(manifest: Manifest, before: Manifest): void {
  if (manifest.name !== before.name || manifest.publisher !== before.publisher) return;
  checkVersion(manifest, before.version);
  const isSame = toHex(canonicalBytes(manifest)) === toHex(canonicalBytes(before));
  if (isSame || manifest.version > before.version) return;
  throw invalidField(
    UsageError,
    'version-not-raised',
    'version',
    `more than ${before.version}, as a different manifest of that version is signed already (--force if no device has seen it)`,
    manifest.version,
  );
}
