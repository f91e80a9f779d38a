/** `onlysum registrar codes`: one-time codes for devices to enrol with. */
import type { Command } from 'commander';
import { integerFlag, jsonOption } from '../flags.js';
import { note, print, printJson } from '../output.js';
import { addStoreFlags, inRegistrarStore, type StoreFlags } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

const DAY_MS = 86_400_000;
const DEFAULT_LIFETIME_DAYS = 7;
const MOST_LIFETIME_DAYS = 3650;
/** All are made in one transaction, during which a running registrar waits. */
const MOST_CODES = 10_000;

interface CodesFlags extends StoreFlags {
  readonly count: number;
  readonly lifetimeDays: number;
}

export function addRegistrarCodes(registrar: Command, terminal: Terminal): void {
  const command = registrar
    .command('codes')
    .summary('make one-time enrolment codes')
    .description(
      'Makes codes with which a device enrols, each once. Works while the registrar runs. Only\n' +
        'their hashes are kept: what is printed now cannot be printed again.',
    )
    .requiredOption('--count <N>', 'how many (required)', integerFlag('--count', 1, MOST_CODES))
    .option(
      '--lifetime-days <D>',
      'how long an unused code can be used',
      integerFlag('--lifetime-days', 1, MOST_LIFETIME_DAYS),
      DEFAULT_LIFETIME_DAYS,
    );
  addStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum registrar codes --count 100 --lifetime-days 14')
    .action(async (flags: CodesFlags) => {
      const lifetimeMs = flags.lifetimeDays * DAY_MS;
      const { issueCodes } = await import('@onlysum/registrar');
      const made = await inRegistrarStore(flags, terminal, (ledger, context) => ({
        codes: issueCodes(ledger, flags.count, lifetimeMs, context),
        expiresMs: context.nowMs + lifetimeMs,
      }));
      if (flags.json === true) {
        printJson(terminal, made);
        return;
      }
      print(terminal, ...made.codes);
      note(terminal, `usable once each until ${new Date(made.expiresMs).toISOString()}`);
    });
}
