/** `onlysum manifest diff`: what a new version asks for that the old one did not. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Change } from '../change.js';
import { inFile } from '../files.js';
import { jsonOption } from '../flags.js';
import { checkVersionRaised, compareManifests } from '../manifest-diff.js';
import { print, printJson, table } from '../output.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';

const WIDENS = 1;

/** @param exit - takes the exit code. */
export function addManifestDiff(
  manifest: Command,
  terminal: Terminal,
  exit: (code: number) => void,
): void {
  manifest
    .command('diff')
    .summary('show what a new version of a manifest asks for that the old one did not')
    .description(
      'Shows every change and whether it widens collection, narrows it, or does neither. What a program\n' +
        'cannot judge, such as another purpose, counts as widening. Exit code 1 if anything widens. More\n' +
        'without a higher version is refused.',
    )
    .argument('<old>', 'manifest, signed or not')
    .argument('<new>', 'manifest, signed or not')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum manifest diff manifest.signed.json manifest.json')
    .action((oldFile: string, newFile: string, { json }: { json?: true }) => {
      const path = resolve(terminal.cwd, newFile);
      const before = loadManifest(resolve(terminal.cwd, oldFile)).manifest;
      const after = loadManifest(path).manifest;
      const changes = compareManifests(before, after);
      const widens = changes.some(({ effect }) => effect === 'widens');
      if (json === true) printJson(terminal, { widens, changes });
      else show(terminal, changes);
      inFile(path, () => checkVersionRaised(before, after));
      if (widens) exit(WIDENS);
    });
}

function show(terminal: Terminal, changes: readonly Change[]): void {
  if (changes.length === 0) {
    print(terminal, 'No change.');
    return;
  }
  const count = (effect: Change['effect']): number =>
    changes.filter((change) => change.effect === effect).length;
  print(
    terminal,
    table(
      ['effect', 'field', 'before', 'after'],
      changes.map(({ effect, field, before, after }) => [effect, field, before ?? '', after ?? '']),
    ),
    `${count('widens')} widen what is collected, ${count('narrows')} narrow it, ${count('neutral')} do neither`,
  );
}
