/**
 * What `privacy sigma` and `privacy epsilon` are both asked for: a mechanism and what it releases.
 * Knows: flags and what belongs together. Doesn't know: accounting.
 */
import { UsageError } from '@onlysum/crypto';
import type { LaplaceReleases, SkellamReleases } from '@onlysum/task';
import { type Command, Option } from 'commander';
import { integerFlag, invalidFlag, jsonOption, positiveFlag, probabilityFlag } from './flags.js';

export interface ReleaseFlags {
  readonly mechanism: 'skellam' | 'discrete-laplace';
  readonly delta?: number;
  readonly l1?: number;
  readonly l2?: number;
  readonly windows: number;
  readonly json?: true;
}

const MECHANISMS = ['skellam', 'discrete-laplace'] as const;
const MAX_WINDOWS = 1_000_000;

export function addReleaseFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--mechanism <name>', 'distribution of the noise')
        .choices(MECHANISMS)
        .default('skellam'),
    )
    .option('--delta <δ>', 'for skellam, required: δ of (ε, δ)', probabilityFlag('--delta'))
    .option(
      '--l1 <Δ₁>',
      'most that one device changes a release, in the 1-norm (default: 1)',
      positiveFlag('--l1'),
    )
    .option(
      '--l2 <Δ₂>',
      'for skellam: the same in the 2-norm (default: that of --l1, which is never less)',
      positiveFlag('--l2'),
    )
    .option(
      '--windows <count>',
      'how many releases compose',
      integerFlag('--windows', 1, MAX_WINDOWS),
      1,
    )
    .addOption(jsonOption());
}

/** @throws {UsageError} `flag-invalid` unless there is a δ, and norms that can be. */
export function skellamReleases({
  delta,
  l1 = 1,
  l2 = l1,
  windows,
}: ReleaseFlags): SkellamReleases {
  if (delta === undefined) throw invalidFlag('--delta', 'a number for skellam', undefined);
  if (l2 > l1) throw invalidFlag('--l2', `at most --l1, ${l1}`, l2);
  return { delta, l1, l2, windows };
}

/** What is for Skellam noise only is not looked at: a pure ε holds with any δ. */
export function laplaceReleases({ l1 = 1, windows }: ReleaseFlags): LaplaceReleases {
  return { l1, windows };
}

/** What the accounting refuses was said by the flag of the same name. */
export function byFlag<T>(account: () => T): T {
  try {
    return account();
  } catch (error) {
    if (!(error instanceof UsageError) || error.field === undefined) throw error;
    const { field, expected = '', got = '' } = error;
    const flag = `--${field}`;
    throw new UsageError('flag-invalid', `${flag}: expected ${expected}, got ${got}`, {
      field: flag,
      expected,
      got,
    });
  }
}

/** e.g. `epsilon 1, delta 1e-6, over 7 windows`. */
export function guaranteeText(
  epsilon: number,
  { mechanism, delta, windows }: ReleaseFlags,
): string {
  const exact = mechanism === 'skellam' ? `, delta ${delta}` : '';
  return `epsilon ${round(epsilon)}${exact} over ${windows === 1 ? 'one window' : `${windows} windows`}`;
}

/** Six significant digits. */
export function round(value: number): string {
  return String(Number(value.toPrecision(6)));
}
