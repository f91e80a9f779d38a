/** `onlysum privacy sigma`: how much noise a privacy budget asks for. */
import { laplaceSigma, skellamSigma } from '@onlysum/task';
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

type SigmaFlags = ReleaseFlags & { readonly epsilon: number };

export function addPrivacySigma(privacy: Command, terminal: Terminal): void {
  const command = privacy
    .command('sigma')
    .summary('show the noise that a budget asks for')
    .description(
      'Finds the standard deviation of the noise on the sum of each lane with which\n' +
        'all releases together cost at most ε and δ. Honest devices add it in shares.',
    )
    .requiredOption('--epsilon <ε>', 'budget of all releases together', positiveFlag('--epsilon'));
  addReleaseFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  onlysum privacy sigma --epsilon 1 --delta 1e-6\n' +
        '  onlysum privacy sigma --epsilon 2 --delta 1e-6 --l1 12 --l2 3.5 --windows 30 --json\n' +
        '  onlysum privacy sigma --mechanism discrete-laplace --epsilon 0.5 --l1 2',
    )
    .action((flags: SigmaFlags) => {
      const sigma = sigmaOf(flags);
      if (flags.json === true) printJson(terminal, { sigma });
      else print(terminal, ...textOf(sigma, flags));
    });
}

function sigmaOf(flags: SigmaFlags): number {
  const { epsilon, mechanism } = flags;
  return byFlag(() =>
    mechanism === 'skellam'
      ? skellamSigma({ ...skellamReleases(flags), epsilon })
      : laplaceSigma({ ...laplaceReleases(flags), epsilon }),
  );
}

function textOf(sigma: number, flags: SigmaFlags): string[] {
  return [
    `sigma ${round(sigma)}: the standard deviation of the ${flags.mechanism} noise on the sum of each lane,`,
    `whatever the cohort's size, for ${guaranteeText(flags.epsilon, flags)}`,
  ];
}
