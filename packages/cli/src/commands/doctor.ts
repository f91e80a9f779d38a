/** `onlysum doctor`: what is wrong with a deployment where it runs, and how to mend it. */
import type { Command } from 'commander';
import { showFindings } from '../checks/findings-text.js';
import { jsonOption } from '../flags.js';
import type { Terminal } from '../terminal.js';

interface DoctorFlags {
  readonly config?: string;
  readonly json?: true;
}

/** @param exit - takes 1 if a check failed. */
export function addDoctor(
  program: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  program
    .command('doctor')
    .summary('find what is wrong with a deployment, and how to mend it')
    .description(
      'Checks onlysum.yaml as `onlysum config check` does, runs a command that gives the key of results,\n' +
        'tries that the keys of results are those of what the store holds,\n' +
        'and looks at what the file meets on this machine: Node, manifests, stores (PostgreSQL as the server\n' +
        'would, but changing nothing), disk, open files, ports; and, of servers that run, over TLS where\n' +
        'they have it, whether they are ready, have the right keys and agree on the time. Run it as the user\n' +
        'of the servers, with their environment.\n' +
        'Exit code 1 if anything failed; warnings do not count. With --json: ok, and findings, each with\n' +
        'check, status (ok, warn, fail), message and, if not ok, how to mend it; at is a line of onlysum.yaml.',
    )
    .option('--config <file>', 'configuration (default: onlysum.yaml)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum doctor\n  onlysum doctor --config /var/lib/onlysum-coordinator/onlysum.yaml --json',
    )
    .action(async ({ config, json }: DoctorFlags) => {
      const { checkDeployment } = await import('../checks/run-checks.js');
      exit(showFindings(terminal, await checkDeployment(config, terminal), json === true));
    });
}
