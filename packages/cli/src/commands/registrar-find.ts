/** `onlysum registrar find`: from a place in a round to the pseudonym that had it. */
import { wipe } from '@onlysum/crypto';
import type { Command } from 'commander';
import { loadConfiguration } from '../configuration.js';
import {
  integerFlag,
  invalidFlag,
  jsonOption,
  pathFlag,
  REQUIRED,
  repeated,
  required,
} from '../flags.js';
import { loadKey } from '../keys.js';
import { note, print, printJson } from '../output.js';
import { addStoreFlags, inRegistrarStore, type StoreFlags } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

interface FindFlags extends StoreFlags {
  readonly key?: string;
  readonly previousKey?: readonly string[];
}

/** A manifest has no larger cohort. */
const MOST_PLACE = 65_534;

export function addRegistrarFind(registrar: Command, terminal: Terminal): void {
  const { cwd } = terminal;
  const command = registrar
    .command('find')
    .summary('find the pseudonym that had a place in a round')
    .description(
      "Finds who had a place in a round, e.g. one that a result's atFault names, while the round is in\n" +
        'the record. A place in inconsistentShares alone accuses nobody (docs/threat-model.md). Works\n' +
        'while the registrar runs. The record names those who take part by keyed hashes: it needs the key\n' +
        "that the round's task names. That it was asked is in the audit log, the pseudonym is not.",
    )
    .argument('<round>', "the round's id, 32 hex digits", roundArgument)
    .argument('<place>', 'index in its roster, from 0', integerFlag('place', 0, MOST_PLACE));
  addStoreFlags(command, terminal)
    .option('--key <file>', `registrar's key file ${REQUIRED}`, pathFlag('--key', cwd))
    .option(
      '--previous-key <file>',
      'key file from before a rotation; may be repeated',
      repeated(pathFlag('--previous-key', cwd)),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum registrar find 0f1e2d3c4b5a69788796a5b4c3d2e1f0 17',
    )
    .action(async (round: string, place: number, flags: FindFlags) => {
      const pseudonym = await find(round, place, flags, terminal);
      if (flags.json === true) {
        printJson(terminal, { round, place, pseudonym });
        return;
      }
      print(terminal, pseudonym);
      note(terminal, `to end its enrolment: onlysum registrar revoke ${pseudonym}`);
    });
}

async function find(
  round: string,
  place: number,
  flags: FindFlags,
  terminal: Terminal,
): Promise<string> {
  const { registrar: lines } = loadConfiguration(flags.config, terminal.cwd);
  const present = required(flags.key ?? lines.key, '--key', 'registrar.key');
  const paths = [present, ...(flags.previousKey ?? lines.previousKeys ?? [])];
  const { lookUpParticipant } = await import('@onlysum/registrar');
  const seeds: Uint8Array[] = [];
  try {
    for (const path of paths) seeds.push(loadKey(path, terminal).seed);
    return await inRegistrarStore(flags, terminal, (ledger, context) =>
      lookUpParticipant(ledger, round, place, seeds, context),
    );
  } finally {
    wipe(...seeds);
  }
}

function roundArgument(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw invalidFlag('round', 'an id of 32 lower-case hex digits', text);
}
