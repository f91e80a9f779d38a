/** `onlysum registrar rotate-key`: a new signing key, and what to do with it. */
import { dirname, join } from 'node:path';
import { systemRng, toHex, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Command } from 'commander';
import { loadConfiguration } from '../configuration.js';
import { PRIVATE_MODE, writeNewFiles } from '../files.js';
import { jsonOption, pathFlag, REQUIRED, required } from '../flags.js';
import { keyFileOf } from '../key-file.js';
import { loadKey, passphraseOf } from '../keys.js';
import { print, printJson, warn } from '../output.js';
import type { Terminal } from '../terminal.js';

interface RotateFlags {
  readonly config?: string;
  readonly key?: string;
  readonly out?: string;
  readonly json?: true;
}

const SEED_BYTES = 32;

export function addRegistrarRotateKey(registrar: Command, terminal: Terminal): void {
  registrar
    .command('rotate-key')
    .summary('make a new signing key, and say how to change over to it')
    .description(
      'Writes a new key file, readable by its owner only, and prints what to do next. With\n' +
        'ONLYSUM_PASSPHRASE set, the key is sealed with it. Nothing else is changed: the new key\n' +
        'counts from the first start of the registrar that has both.',
    )
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--key <file>', `present key file ${REQUIRED}`, pathFlag('--key', terminal.cwd))
    .option(
      '--out <file>',
      'new key file (default: beside the present one)',
      pathFlag('--out', terminal.cwd),
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum registrar rotate-key')
    .action((flags: RotateFlags) => {
      const { registrar: lines } = loadConfiguration(flags.config, terminal.cwd);
      const path = required(flags.key ?? lines.key, '--key', 'registrar.key');
      const { seed, publicKey: previousKey } = loadKey(path, terminal);
      wipe(seed);
      const { file, publicKey } = writeKey(path, flags.out, terminal);
      const previous = { file: path, publicKey: toHex(previousKey) };
      if (flags.json === true) {
        printJson(terminal, { file, publicKey, previous });
        return;
      }
      print(terminal, `Wrote ${file}`, `with the public key ${publicKey}`, '');
      print(terminal, 'Next', ...nextSteps(file, publicKey, path));
    });
}

function writeKey(path: string, out: string | undefined, terminal: Terminal) {
  const passphrase = passphraseOf(terminal);
  const seed = systemRng(SEED_BYTES);
  try {
    const key = keyFileOf(nativeSuite, seed, passphrase, systemRng);
    const { publicKey } = key;
    const file = out ?? join(dirname(path), `registrar-${publicKey.slice(0, 8)}.json`);
    const text = `${JSON.stringify(key, undefined, 2)}\n`;
    writeNewFiles([{ path: file, text, mode: PRIVATE_MODE }]);
    if (passphrase === undefined) {
      warn(terminal, 'the key lies in the clear, readable by the owner only');
    }
    return { file, publicKey };
  } finally {
    wipe(seed);
  }
}

function nextSteps(file: string, publicKey: string, previous: string): string[] {
  return [
    '  1. in onlysum.yaml, under registrar:',
    `       key: ${file}`,
    '       previousKeys:',
    `         - ${previous}`,
    '  2. in a copy of the manifest, manifest-2.json: raise version, and set',
    `       registrar: ${publicKey}`,
    '     then: onlysum manifest sign manifest-2.json',
    '  3. add manifest-2.signed.json to the manifests of registrar and coordinator',
    '  4. start the registrar again, then the coordinator',
    '  5. give devices manifest-2.signed.json: they change over by themselves, without codes',
    '  6. when the old manifest is used no more: take it and previousKeys out, start both again,',
    '     and destroy the old key',
    'Was the old key stolen? Then leave the old manifest out in step 3: docs/registrar.md',
  ];
}
