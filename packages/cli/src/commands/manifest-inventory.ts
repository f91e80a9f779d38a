/** `onlysum manifest inventory`: every data element, for whoever keeps the records of processing. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { inFile } from '../files.js';
import { jsonOption } from '../flags.js';
import { inventoryCsv, inventoryOf } from '../manifest-inventory.js';
import { print, printJson, table } from '../output.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';

interface InventoryFlags {
  readonly csv?: true;
  readonly json?: true;
}

export function addManifestInventory(manifest: Command, terminal: Terminal): void {
  manifest
    .command('inventory')
    .summary('list every data element that a manifest collects')
    .description(
      'Lists what leaves a device: what it is, why, who answers for it, how long its results are kept and\n' +
        'who may read them. --csv has all columns, safe to open in a spreadsheet.',
    )
    .argument('[file]', 'manifest, signed or not', 'manifest.json')
    .addOption(new Option('--csv', 'as CSV (RFC 4180)').conflicts('json'))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum manifest inventory --csv > inventory.csv')
    .action((file: string, { csv, json }: InventoryFlags) => {
      const path = resolve(terminal.cwd, file);
      const elements = inFile(path, () => inventoryOf(loadManifest(path).manifest));
      if (json === true) {
        printJson(terminal, { elements });
        return;
      }
      if (csv === true) {
        terminal.out.write(inventoryCsv(elements));
        return;
      }
      print(
        terminal,
        table(
          ['element', 'kind', 'group', 'purpose', 'owner', 'kept', 'readers', 'leaves', 'noise'],
          elements.map((each) => [
            each.name,
            each.kind,
            each.essential ? `${each.group} (essential)` : each.group,
            each.purpose,
            each.owner,
            `${each.retentionDays} days`,
            each.access.join(', '),
            each.leaves,
            each.noise,
          ]),
        ),
      );
    });
}
