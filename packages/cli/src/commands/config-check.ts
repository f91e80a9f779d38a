/** `onlysum config check`: all that is wrong with onlysum.yaml, at once. */
import type { Command } from 'commander';
import { showFindings } from '../checks/findings-text.js';
import { jsonOption } from '../flags.js';
import type { Terminal } from '../terminal.js';

interface CheckFlags {
  readonly config?: string;
  readonly json?: true;
}

/** @param exit - takes 1 if anything is wrong. */
export function addConfigCheck(
  config: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  config
    .command('check')
    .summary('check onlysum.yaml and the files that it names')
    .description(
      'Checks every line and says all that is wrong, with file, line and column; that the named files are\n' +
        'there, the secret ones private; that the servers would take every line; that keys and certificates\n' +
        'fit, and no two listeners have one port. Nothing is run and nobody is asked: for that, onlysum doctor.',
    )
    .option('--config <file>', 'configuration (default: onlysum.yaml)')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum config check --config onlysum.yaml')
    .action(async ({ config: file, json }: CheckFlags) => {
      const { checkConfiguration } = await import('../checks/run-checks.js');
      exit(showFindings(terminal, await checkConfiguration(file, terminal), json === true));
    });
}
