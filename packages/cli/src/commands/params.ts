/** `onlysum params`: the graph and the threshold of a cohort, from its size and its assumptions. */
import { RoundError } from '@onlysum/crypto';
import { rosterParameters } from '@onlysum/protocol';
import type { Command } from 'commander';
import { corruptOption, devicesOption, dropoutOption } from '../assumption-flags.js';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface ParamsFlags {
  readonly devices: number;
  readonly corrupt: number;
  readonly dropout: number;
  readonly json?: true;
}

type Answer =
  | { readonly graph: 'tables' | 'complete'; readonly k: number; readonly t: number }
  | { readonly infeasible: true; readonly reason: string };

export function addParams(program: Command, terminal: Terminal): void {
  program
    .command('params')
    .summary('show graph, neighbours and threshold for n, γ and δ')
    .description(
      'Finds the graph that a roster of n devices has: k neighbours each, threshold t. That there is\n' +
        'no safe one is an answer as well, with what to change; the exit code is 0 for both.',
    )
    .addOption(devicesOption().makeOptionMandatory())
    .addOption(corruptOption().makeOptionMandatory())
    .addOption(dropoutOption().makeOptionMandatory())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum params --devices 1000 --corrupt 50 --dropout 100')
    .action((flags: ParamsFlags) => {
      const answer = answerTo(flags);
      if (flags.json === true) printJson(terminal, answer);
      else print(terminal, textOf(answer));
    });
}

function answerTo({ devices, corrupt, dropout }: ParamsFlags): Answer {
  try {
    const { graph, k, t } = rosterParameters(devices, { corrupt, dropout });
    return { graph, k, t };
  } catch (error) {
    if (!(error instanceof RoundError)) throw error;
    return { infeasible: true, reason: error.message };
  }
}

function textOf(answer: Answer): string {
  if ('infeasible' in answer) return `infeasible: ${answer.reason}`;
  const graph = answer.graph === 'tables' ? `${answer.k / 2} round tables` : 'complete graph';
  return `${graph}: k = ${answer.k} neighbours, threshold t = ${answer.t}`;
}
