/** `onlysum registrar`: runs the registrar. */
import type { Command } from 'commander';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import {
  addRegistrarFlags,
  type RegistrarFlags,
  registrarSettings,
} from '../registrar-settings.js';
import { untilStopped } from '../signals.js';
import type { Terminal } from '../terminal.js';

/** @returns the command, for its subcommands. */
export function addRegistrar(program: Command, terminal: Terminal): Command {
  const command = program
    .command('registrar')
    .summary('run the registrar, or administer its store')
    .description(
      'Runs the registrar: enrols devices and attests who takes part, who shared keys and who\n' +
        'survived. Logs go to standard error. SIGINT or SIGTERM ends it well, a second one at once.',
    );
  return addRegistrarFlags(command, terminal)
    .addOption(jsonOption('print one JSON line when it listens'))
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum registrar\n' +
        '  onlysum registrar --key keys/registrar.json --store registrar-store \\\n' +
        '      --manifest manifest.signed.json --port 8788 --json',
    )
    .action(async (flags: RegistrarFlags) => {
      // Servers and clients are loaded by the commands that run them, so that the others start quickly.
      const { openRegistrar } = await import('../run-registrar.js');
      const { url, publicKey, close } = await openRegistrar(
        registrarSettings(flags, terminal),
        terminal,
      );
      await untilStopped(terminal, close, () => {
        if (flags.json === true) printJson(terminal, { listening: url, publicKey });
        else print(terminal, `registrar ${publicKey} listens on ${url}`);
      });
    });
}
