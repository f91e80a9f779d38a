/** `onlysum manifest types`: TypeScript for what the manifest's metrics take. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { typesOf } from '../manifest-types.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';

export function addManifestTypes(manifest: Command, terminal: Terminal): void {
  manifest
    .command('types')
    .summary("print a TypeScript interface of a manifest's metrics")
    .description(
      'Prints the interface Metrics: by metric the type of what is recorded, so that a typo in a name or a\n' +
        'category does not compile. A manifest written as a constant needs none: MetricValues does the same.',
    )
    .argument('[file]', 'manifest, signed or not', 'manifest.json')
    .addHelpText('after', '\nExample:\n  onlysum manifest types > src/metrics.ts')
    .action((file: string) => {
      terminal.out.write(typesOf(loadManifest(resolve(terminal.cwd, file)).manifest));
    });
}
