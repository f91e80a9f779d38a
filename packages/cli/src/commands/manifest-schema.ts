/** `onlysum manifest schema`: the JSON Schema of manifests, for editors. */
import type { Command } from 'commander';
import { manifestJsonSchema } from '../manifest-json-schema.js';
import { print } from '../output.js';
import type { Terminal } from '../terminal.js';

export function addManifestSchema(manifest: Command, terminal: Terminal): void {
  manifest
    .command('schema')
    .summary('print the JSON Schema of manifests')
    .description(
      'Prints a JSON Schema (draft 2020-12) of manifests that are not signed yet, by which an editor completes\n' +
        'and checks fields. What must hold between fields only `onlysum manifest check` tells.',
    )
    .addHelpText('after', '\nExample:\n  onlysum manifest schema > manifest.schema.json')
    .action(() => print(terminal, JSON.stringify(manifestJsonSchema(), undefined, 2)));
}
