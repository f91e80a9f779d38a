/** `onlysum init`: keys, a manifest to edit, and the configuration of all roles. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemRng, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Command } from 'commander';
import { CONFIGURATION_FILE } from '../configuration.js';
import { configurationTemplate } from '../configuration-template.js';
import { type NewFile, PRIVATE_MODE, writeNewFiles } from '../files.js';
import { jsonOption } from '../flags.js';
import { type KeyFile, keyFileOf } from '../key-file.js';
import { passphraseOf } from '../keys.js';
import { manifestTemplate } from '../manifest-template.js';
import { print, printJson, warn } from '../output.js';
import type { Terminal } from '../terminal.js';

const ROLES = ['publisher', 'registrar', 'coordinator'] as const;
const COORDINATOR_URL = 'ws://127.0.0.1:8787';
const SEED_BYTES = 32;
const PUBLIC_MODE = 0o644;
const GITIGNORE = '.gitignore';
/** What onlysum.yaml names, and the stores of devices that are tried by hand. */
const IGNORED = [
  'keys/',
  'registrar-store/',
  'coordinator-store*',
  'results/',
  'device/',
  'd[0-9]*/',
  'codes',
];

export function addInit(program: Command, terminal: Terminal): void {
  program
    .command('init')
    .summary('make keys, a manifest template and a configuration')
    .description(
      'Makes keys for publisher, registrar and coordinator, a manifest template, onlysum.yaml and a\n' +
        '.gitignore that keeps keys and stores out of version control. With ONLYSUM_PASSPHRASE set, the\n' +
        'keys are sealed with it. Nothing is ever overwritten.',
    )
    .argument('[dir]', 'folder to write to; made if it is not there', '.')
    .addOption(jsonOption('print what was written as one JSON value'))
    .addHelpText('after', '\nExample:\n  ONLYSUM_PASSPHRASE=… onlysum init telemetry')
    .action((dir: string, { json }: { json?: true }) => {
      const folder = resolve(terminal.cwd, dir);
      const keys = makeKeys(terminal);
      const hasGitignore = existsSync(join(folder, GITIGNORE));
      const files = filesOf(keys).filter(({ path }) => path !== GITIGNORE || !hasGitignore);
      writeNewFiles(files.map((file) => ({ ...file, path: join(folder, file.path) })));
      if (passphraseOf(terminal) === undefined) {
        warn(
          terminal,
          'the keys lie in the clear, readable by the owner only; set ONLYSUM_PASSPHRASE to seal them',
        );
      }
      if (hasGitignore) {
        warn(
          terminal,
          `${GITIGNORE} is there: add ${IGNORED.join(', ')}, none of which may be published`,
        );
      }
      const publicKeys = publicKeysOf(keys);
      const paths = files.map((file) => join(folder, file.path));
      if (json === true) {
        printJson(terminal, { folder, files: paths, publicKeys });
        return;
      }
      print(terminal, 'Wrote', ...paths.map((path) => `  ${path}`), '', 'Public keys');
      print(terminal, ...ROLES.map((role) => `  ${role.padEnd(12)}${publicKeys[role]}`), '');
      print(terminal, 'Next, in that folder', ...NEXT_STEPS.map((step) => `  ${step}`));
    });
}

const NEXT_STEPS = [
  'edit manifest.json, then: onlysum manifest check',
  'onlysum manifest sign',
  'onlysum registrar',
  'onlysum coordinator',
  'onlysum registrar codes --count 3',
];

type Keys = Readonly<Record<(typeof ROLES)[number], KeyFile>>;

function makeKeys(terminal: Terminal): Keys {
  const passphrase = passphraseOf(terminal);
  const made = ROLES.map((role) => {
    const seed = systemRng(SEED_BYTES);
    try {
      return [role, keyFileOf(nativeSuite, seed, passphrase, systemRng)] as const;
    } finally {
      wipe(seed);
    }
  });
  return Object.fromEntries(made) as Keys;
}

function publicKeysOf(keys: Keys): Readonly<Record<(typeof ROLES)[number], string>> {
  const { publisher, registrar, coordinator } = keys;
  return {
    publisher: publisher.publicKey,
    registrar: registrar.publicKey,
    coordinator: coordinator.publicKey,
  };
}

// Paths relative to the folder.
function filesOf(keys: Keys): NewFile[] {
  const publicKeys = publicKeysOf(keys);
  const manifest = manifestTemplate(publicKeys, COORDINATOR_URL, Date.now());
  // The folder itself is made by a public file, the folder of the keys by a private one.
  return [
    {
      path: 'manifest.json',
      text: `${JSON.stringify(manifest, undefined, 2)}\n`,
      mode: PUBLIC_MODE,
    },
    {
      path: CONFIGURATION_FILE,
      text: configurationTemplate(manifest),
      mode: PUBLIC_MODE,
    },
    {
      path: GITIGNORE,
      text: `# Whoever has these can sign as one of the roles, or pass for a device.\n${IGNORED.join('\n')}\n`,
      mode: PUBLIC_MODE,
    },
    ...ROLES.map((role) => ({
      path: `keys/${role}.json`,
      text: `${JSON.stringify(keys[role], undefined, 2)}\n`,
      mode: PRIVATE_MODE,
    })),
  ];
}
