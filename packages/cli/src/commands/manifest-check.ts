/** `onlysum manifest check`: parse, compile, and say what the numbers mean. */
import { resolve } from 'node:path';
import { RoundError } from '@onlysum/crypto';
import type { Command } from 'commander';
import { integerFlag, jsonOption } from '../flags.js';
import { type ManifestReport, reportManifest } from '../manifest-report.js';
import { type ErrorAt, type NoiseReport, shortNumber } from '../noise-report.js';
import { print, printJson, table, title, warn } from '../output.js';
import { loadManifest } from '../tasks.js';
import type { Terminal } from '../terminal.js';

/** More than any installed base, and the arithmetic of pools still ends within seconds. */
const MOST_ENROLLED = 10_000_000;

interface CheckFlags {
  readonly enrolled?: number;
  readonly json?: true;
}

export function addManifestCheck(manifest: Command, terminal: Terminal): void {
  manifest
    .command('check')
    .summary('check a manifest and show what it amounts to')
    .description(
      'Checks a manifest, signed or not, and shows its lanes, the graph parameters of its cohort\n' +
        'sizes, and the share of colluders among the enrolled that it tolerates; with noise, how large that\n' +
        'is, what error to expect of each metric, and how many windows the budget pays for.',
    )
    .argument('[file]', 'manifest', 'manifest.json')
    .option(
      '--enrolled <N>',
      'devices enrolled (default: cohort.target of the manifest)',
      integerFlag('--enrolled', 1, MOST_ENROLLED),
    )
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum manifest check manifest.json --enrolled 300000')
    .action((file: string, flags: CheckFlags) => {
      const { manifest: parsed, isSigned } = loadManifest(resolve(terminal.cwd, file));
      const enrolled = flags.enrolled ?? parsed.cohort.target;
      const report = reportManifest(parsed, enrolled, Date.now());
      const [problem] = report.problems;
      if (flags.json === true) {
        printJson(terminal, { ok: problem === undefined, signed: isSigned, ...report });
      } else {
        show(terminal, report, isSigned);
      }
      if (problem !== undefined) throw new RoundError('parameters-infeasible', problem);
    });
}

function show(terminal: Terminal, report: ManifestReport, isSigned: boolean): void {
  const { name, version, lanes, vectorBytes, cohort, sizesTried, population, warnings } = report;
  print(terminal, title(terminal, `${name} version ${version}`) + (isSigned ? ', signed' : ''), '');
  print(
    terminal,
    `${lanes.length} lanes, ${vectorBytes} bytes a vector`,
    table(
      ['lane', 'what it sums', 'group', 'most per device', 'bits'],
      lanes.map((lane) => [lane.index, lane.label, lane.group, lane.bound, lane.width]),
      ['right', 'left', 'left', 'right', 'right'],
    ),
    '',
    'Cohorts: n devices, k neighbours, threshold t, A corrupt, D dropped, n − D − A honest at least',
    table(
      ['at', 'n', 'graph', 'k', 't', 'A', 'D', 'smallest honest'],
      cohort.map((row) => [
        row.at,
        row.n,
        row.graph ?? 'none is safe',
        row.k ?? '',
        row.t ?? '',
        row.corrupt,
        row.dropout,
        row.smallestHonest,
      ]),
      ['left', 'right', 'left', 'right', 'right', 'right', 'right', 'right'],
    ),
    `${sizesTried} sizes were tried, from min to max: others may differ, as A and D are rounded`,
    '',
    `Colluders among the enrolled, per million, with ${population.enrolled} enrolled in ` +
      `${population.pools} ${population.pools === 1 ? 'pool' : 'pools'}`,
    table(
      ['promised', 'tolerated at min', 'tolerated at target'],
      [[population.promised, population.toleratedAtMin, population.toleratedAtTarget]],
      ['right', 'right', 'right'],
    ),
  );
  if (report.noise !== undefined) showNoise(terminal, report.noise);
  if (warnings.length > 0) warn(terminal, ...warnings);
}

function showNoise(terminal: Terminal, noise: NoiseReport): void {
  const { mechanism, neighbours, window, budget, blocks, metrics } = noise;
  const { days, windowsPaid, windowsInDays } = budget;
  const fleets = metrics[0]?.errors.map(({ devices }) => devices) ?? [];
  print(
    terminal,
    '',
    `Noise: ${mechanism}, neighbours ${neighbours}, ε ${window.epsilon} and δ ${window.delta} a window`,
    `A window costs ε ${shortNumber(window.costEpsilon)}; the budget of ε ${budget.epsilon} and δ ${budget.delta} ` +
      `pays for ${windowsPaid} of the ${windowsInDays} windows in ${days} days`,
    table(
      ['block', 'lanes', 'Δ₁', 'Δ₂', 'deviation of the fewest honest', 'of all of a target cohort'],
      blocks.map(({ name, lanes, l1, l2, deviation }) => [
        name,
        lanes,
        l1,
        shortNumber(l2),
        shortNumber(deviation.honest),
        shortNumber(deviation.target),
      ]),
      ['left', 'right', 'right', 'right', 'right', 'right'],
    ),
    '',
    'Standard errors by noise alone, if all report values in the middle of their range',
    table(
      ['metric', 'number', 'unit', ...fleets.map((n) => `${n} devices`)],
      metrics.map(({ metric, errors }) => {
        const any = errors.find(({ headline }) => headline !== undefined)?.headline;
        const cells = errors.map(({ headline }) =>
          headline === undefined ? 'too few' : shortNumber(headline.error),
        );
        return [metric, any?.what ?? '', any?.unit ?? '', ...cells];
      }),
      ['left', 'left', 'left', 'right', 'right', 'right'],
    ),
    ...(metrics[0]?.errors ?? []).filter(({ cohorts }) => cohorts > 1).map(severalCohorts),
  );
}

function severalCohorts({ devices, cohorts, cohortSize }: ErrorAt): string {
  return `${devices} devices: the sums of ${cohorts} cohorts of ${cohortSize} added up, with the noise of each`;
}
