/** `onlysum results reseal`: the end of a rotation of the key that results are sealed with. */
import type { Command } from 'commander';
import { loadConfiguration } from '../configuration.js';
import { RESULTS_KEY_LINE } from '../coordinator-settings.js';
import {
  addCoordinatorStoreFlags,
  type CoordinatorStoreFlags,
  inCoordinatorStore,
} from '../coordinator-store.js';
import { jsonOption, required } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

/** In the audit log, for whoever has the store and the keys. */
const ACTOR = 'command';

export function addResultsReseal(results: Command, terminal: Terminal): void {
  const command = results
    .command('reseal')
    .summary('seal all results under the present key')
    .description(
      'Seals every result in the store under the first key of coordinator.resultsKey; the others open\n' +
        'what was sealed before. Start the coordinator with that line first: then nothing more comes\n' +
        'under an older key, and afterwards those can be taken out and destroyed.',
    );
  addCoordinatorStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum results reseal')
    .action(async (flags: CoordinatorStoreFlags) => {
      const { coordinator: lines } = loadConfiguration(flags.config, terminal.cwd);
      const sources = required(lines.resultsKey, undefined, RESULTS_KEY_LINE);
      const done = await inCoordinatorStore(
        flags,
        terminal,
        async (store, { keyedSealing, resealResults }) => {
          const sealing = await keyedSealing(sources, { environment: terminal.env });
          const resealed = await resealResults({ store, sealing, actor: ACTOR });
          return { resealed, keyId: sealing.keyId };
        },
      );
      if (flags.json === true) return printJson(terminal, done);
      print(terminal, `Resealed ${done.resealed} results; all are under key ${done.keyId}`);
    });
}
