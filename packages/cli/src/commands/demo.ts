/** `onlysum demo`: a fleet of real devices on real input, checked against the plain sum. */
import { fileURLToPath } from 'node:url';
import type { DemoOptions } from '@onlysum/fleet';
import type { Command } from 'commander';
import { integerFlag, jsonOption, pathFlag } from '../flags.js';
import type { Terminal } from '../terminal.js';

const DEFAULT_DEVICES = 300;
/** What two cores were tried with; the demo says itself how few it can do with. */
const MOST_DEVICES = 5000;
/** The shim: the demo starts registrar and coordinator with it, as a user would. */
const CLI_PATH = fileURLToPath(new URL('../../bin/onlysum.js', import.meta.url));

interface DemoFlags {
  readonly devices: number;
  readonly dump?: string;
  readonly corruptLane?: number;
  readonly json?: true;
}

/** @param exit - takes the demo's exit code. */
export function addDemo(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command('demo')
    .summary('run a fleet on this machine and check the sum')
    .description(
      'Runs a registrar, a coordinator and many devices on this machine, drops some of them, and\n' +
        'checks every lane of the opened sum against the plain sum of the survivors.',
    )
    .option('--devices <N>', 'how many', integerFlag('--devices', 1, MOST_DEVICES), DEFAULT_DEVICES)
    .option(
      '--dump <folder>',
      'write devices.json and result.json, to check the sum with a program of your own',
      pathFlag('--dump', terminal.cwd),
    )
    .option(
      '--corrupt-lane <K>',
      'falsify one check value in lane K: the demo must then fail',
      integerFlag('--corrupt-lane', 0, 65_534),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum demo\n  onlysum demo --devices 20 --json --dump out',
    )
    .action(async (flags: DemoFlags) => {
      const options: DemoOptions = {
        devices: flags.devices,
        json: flags.json === true,
        cliPath: CLI_PATH,
        out: terminal.out,
        err: terminal.err,
        ...(flags.dump === undefined ? {} : { dumpDir: flags.dump }),
        ...(flags.corruptLane === undefined ? {} : { corruptLane: flags.corruptLane }),
      };
      const { runDemo } = await import('@onlysum/fleet');
      exit(await runDemo(options));
    });
}
