/** `onlysum privacy epsilon`: what noise of a given size costs. */
import { laplaceEpsilon, skellamEpsilon } from '@onlysum/task';
import type { Command } from 'commander';
import { positiveFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import {
  addReleaseFlags,
  byFlag,
  guaranteeText,
  laplaceReleases,
  type ReleaseFlags,
  round,
  skellamReleases,
} from '../privacy-flags.js';
import type { Terminal } from '../terminal.js';

type EpsilonFlags = ReleaseFlags & { readonly sigma: number };

export function addPrivacyEpsilon(privacy: Command, terminal: Terminal): void {
  const command = privacy
    .command('epsilon')
    .summary('show what noise of a given size costs')
    .description(
      'Finds the ε of all releases together, each with noise of this standard\n' +
        'deviation on the sum of every lane.',
    )
    .requiredOption('--sigma <σ>', 'standard deviation of the noise', positiveFlag('--sigma'));
  addReleaseFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  onlysum privacy epsilon --sigma 4.65 --delta 1e-6\n' +
        '  onlysum privacy epsilon --sigma 40 --delta 1e-6 --l1 12 --l2 3.5 --windows 30 --json\n' +
        '  onlysum privacy epsilon --mechanism discrete-laplace --sigma 5.6 --l1 2',
    )
    .action((flags: EpsilonFlags) => {
      const epsilon = epsilonOf(flags);
      if (flags.json === true) printJson(terminal, { epsilon });
      else print(terminal, ...textOf(epsilon, flags));
    });
}

function epsilonOf(flags: EpsilonFlags): number {
  const { sigma, mechanism } = flags;
  return byFlag(() =>
    mechanism === 'skellam'
      ? skellamEpsilon({ ...skellamReleases(flags), sigma })
      : laplaceEpsilon({ ...laplaceReleases(flags), sigma }),
  );
}

function textOf(epsilon: number, flags: EpsilonFlags): string[] {
  return [
    `${guaranteeText(epsilon, flags)}: what one device's data can change,`,
    `with ${flags.mechanism} noise of sigma ${round(flags.sigma)} on the sum of each lane`,
  ];
}
