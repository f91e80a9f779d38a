/** `onlysum simulate`: a round of a fleet inside this process, and what each stage of it costs. */
import { RoundError } from '@onlysum/crypto';
import type { FleetOptions, FleetReport } from '@onlysum/simulator';
import { type Command, Option } from 'commander';
import { corruptOption, devicesOption, dropoutOption } from '../assumption-flags.js';
import { integerFlag, invalidFlag, jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface SimulateFlags {
  readonly devices: number;
  readonly lanes: number;
  readonly corrupt: number;
  readonly dropout: number;
  readonly dropAt: FleetOptions['dropAt'];
  readonly graph?: 'tables' | 'complete';
  readonly unmasking: FleetOptions['unmasking'];
  readonly seed: string;
  readonly tamperLane?: number;
  readonly json?: true;
  readonly csv?: true;
}

const DEFAULT_LANES = 256;
/** The widest of the grids in the literature that rounds are compared with. */
const MOST_LANES = 100_000;

export function addSimulate(program: Command, terminal: Terminal): void {
  program
    .command('simulate')
    .summary('run a round inside this process, and show what it costs')
    .description(
      'Runs devices, coordinator and registrar of one round in this process, on a\n' +
        'seeded network in virtual time, and shows what each stage of it costs:\n' +
        'milliseconds of CPU of each party (in the stage in which the work begins) and\n' +
        'bytes of messages of each device (in the stage in which they are sent). It\n' +
        'fails unless the opened sum is the plain sum of the survivors. The same flags\n' +
        'give the same bytes; times differ.\n\n' +
        '--corrupt and --dropout are γ and δ of the manifest. No device is corrupt; ⌊δn⌋\n' +
        'of them, chosen by the seed, really drop: they share no keys, or send no masked\n' +
        'input, or do not unmask.\n\n' +
        'Without --graph it is the one that n, γ and δ give. With --graph complete, where\n' +
        "they give tables, the manifest's δ becomes the largest that the complete graph\n" +
        'bears, so that devices find that graph themselves; no more of them drop.',
    )
    .addOption(devicesOption().makeOptionMandatory())
    .option(
      '--lanes <M>',
      'lanes, with inputs of 16 bits',
      integerFlag('--lanes', 1, MOST_LANES),
      DEFAULT_LANES,
    )
    .addOption(corruptOption().default(50))
    .addOption(dropoutOption().default(100))
    .addOption(
      new Option('--drop-at <stage>', 'what devices that drop do not do; spread: by turns')
        .choices(['spread', 'share-keys', 'masked-input', 'unmasking'])
        .default('spread'),
    )
    .addOption(
      new Option('--graph <graph>', 'refuse, or force, a graph').choices(['tables', 'complete']),
    )
    .addOption(
      new Option(
        '--unmasking <how>',
        'direct, or by shares alone, as the protocol of Bonawitz et al. does',
      )
        .choices(['direct', 'shares'])
        .default('direct'),
    )
    .option('--seed <text>', 'all randomness comes from it', seedFlag, '1')
    .option(
      '--tamper-lane <K>',
      'change lane K of one masked input on its way: the command must then fail',
      integerFlag('--tamper-lane', 0, MOST_LANES - 1),
    )
    .addOption(jsonOption())
    .addOption(new Option('--csv', 'print one row a stage').conflicts('json'))
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum simulate --devices 1000 --lanes 256\n' +
        '  onlysum simulate --devices 500 --graph complete --unmasking shares --csv',
    )
    .action(async (flags: SimulateFlags) => {
      const report = await simulate(flags, terminal);
      const { simulationCsv, simulationLines } = await import('../simulation-text.js');
      if (flags.json === true) printJson(terminal, { seed: flags.seed, ...report });
      else if (flags.csv === true) print(terminal, ...simulationCsv(report));
      else print(terminal, ...simulationLines(report));
      if (report.isExact) return;
      throw new RoundError(
        'simulation-failed',
        `the opened sum is not the plain sum of the ${report.survivors} survivors' inputs`,
      );
    });
}

async function simulate(flags: SimulateFlags, terminal: Terminal): Promise<FleetReport> {
  const { devices, lanes, corrupt, dropout, dropAt, graph, unmasking, seed } = flags;
  const { tamperLane: tamperedLane } = flags;
  if (tamperedLane !== undefined && tamperedLane >= lanes) {
    throw invalidFlag('--tamper-lane', `a lane below --lanes ${lanes}`, tamperedLane);
  }
  const [{ simulateFleet }, { nativeSuite }, { simulationProgress }] = await Promise.all([
    import('@onlysum/simulator'),
    import('@onlysum/crypto/node'),
    import('../simulation-progress.js'),
  ]);
  return simulateFleet(
    {
      seed,
      suite: nativeSuite,
      devices,
      lanes,
      corrupt,
      dropout,
      dropAt,
      graph,
      unmasking,
      ...(tamperedLane === undefined ? {} : { tamperedLane }),
    },
    cpuMs,
    simulationProgress(terminal, devices, () => performance.now()),
  );
}

/** What this process has used: what else the machine does meanwhile is not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function seedFlag(text: string): string {
  if (text !== '') return text;
  throw invalidFlag('--seed', 'a text', text);
}
