/** `onlysum registrar new-incarnation`: after a restore, or when continuity is in doubt. */
import type { Command } from 'commander';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import { addStoreFlags, inRegistrarStore, type StoreFlags } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

export function addRegistrarNewIncarnation(registrar: Command, terminal: Terminal): void {
  const command = registrar
    .command('new-incarnation')
    .summary('declare all open rounds dead')
    .description(
      'Starts a new incarnation: no statement about a round that is open now is signed any more.\n' +
        'Do it after restoring the store from a backup, before the registrar starts.',
    );
  addStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum registrar new-incarnation --store registrar-store')
    .action(async (flags: StoreFlags) => {
      const { beginIncarnation } = await import('@onlysum/registrar');
      const incarnation = await inRegistrarStore(flags, terminal, beginIncarnation);
      if (flags.json === true) printJson(terminal, { incarnation });
      else print(terminal, `Incarnation ${incarnation} has begun; rounds that were open are dead`);
    });
}
