/** `onlysum coordinator`: runs the coordinator. */
import type { Command } from 'commander';
import {
  addCoordinatorFlags,
  type CoordinatorFlags,
  coordinatorSettings,
} from '../coordinator-settings.js';
import { jsonOption } from '../flags.js';
import { print, printJson, warn } from '../output.js';
import type { OpenCoordinator } from '../run-coordinator.js';
import { untilStopped } from '../signals.js';
import type { Terminal } from '../terminal.js';

const EMBEDDED_WARNING = [
  'THE REGISTRAR RUNS INSIDE THE COORDINATOR: for trying things out only.',
  'Whoever controls this process can attest false rosters, surround a device with invented ones,',
  'and so read what it sends: the two roles no longer check each other.',
  'For anything real, run `onlysum registrar` elsewhere, under someone else.',
];

export function addCoordinator(program: Command, terminal: Terminal): void {
  const command = program
    .command('coordinator')
    .summary('run the coordinator')
    .description(
      'Runs the coordinator: gathers devices, adds their masked inputs and opens the total. Logs go\n' +
        'to standard error. SIGINT or SIGTERM lets rounds end and then ends it, a second one at once;\n' +
        'SIGHUP reads certificates again.',
    );
  addCoordinatorFlags(command, terminal)
    .addOption(jsonOption('print one JSON line when it listens'))
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum coordinator\n' +
        '  onlysum coordinator --registrar-url https://registrar.example.org --results-dir results\n' +
        '  onlysum coordinator --embed-registrar --json',
    )
    .action(async (flags: CoordinatorFlags) => {
      const settings = coordinatorSettings(flags, terminal);
      if ('embedded' in settings.registrar) warn(terminal, ...EMBEDDED_WARNING);
      const { openCoordinator } = await import('../run-coordinator.js');
      const coordinator = await openCoordinator(settings, terminal);
      await untilStopped(
        terminal,
        coordinator.close,
        () => announce(terminal, coordinator, flags.json === true),
        coordinator.reload,
      );
    });
}

function announce(terminal: Terminal, coordinator: OpenCoordinator, json: boolean): void {
  const { url, publicKey, embedded, adminUrl } = coordinator;
  if (json) {
    const registrar =
      embedded === undefined
        ? {}
        : { registrar: { listening: embedded.url, publicKey: embedded.publicKey } };
    const admin = adminUrl === undefined ? {} : { admin: adminUrl };
    printJson(terminal, { listening: url, publicKey, ...admin, ...registrar });
    return;
  }
  print(terminal, `coordinator ${publicKey} listens on ${url}`);
  if (adminUrl !== undefined) print(terminal, `its admin API and dashboard are at ${adminUrl}`);
  if (embedded !== undefined) {
    print(terminal, `registrar ${embedded.publicKey} listens on ${embedded.url}`);
  }
}
