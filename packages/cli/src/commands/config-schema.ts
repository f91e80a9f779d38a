/** `onlysum config schema`: the JSON Schema of onlysum.yaml, for editors. */
import type { Command } from 'commander';
import { print } from '../output.js';
import type { Terminal } from '../terminal.js';

export function addConfigSchema(config: Command, terminal: Terminal): void {
  config
    .command('schema')
    .summary('print the JSON Schema of onlysum.yaml')
    .description(
      'Prints a JSON Schema (draft 2020-12), by which an editor completes and checks lines. With it in\n' +
        'onlysum.schema.json, editors that know yaml-language-server need this first line of onlysum.yaml:\n' +
        '  # yaml-language-server: $schema=onlysum.schema.json',
    )
    .addHelpText('after', '\nExample:\n  onlysum config schema > onlysum.schema.json')
    .action(async () => {
      const { configurationJsonSchema } = await import('../configuration-json-schema.js');
      print(terminal, JSON.stringify(configurationJsonSchema(), undefined, 2));
    });
}
