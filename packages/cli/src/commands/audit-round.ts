/** `onlysum audit round`: opens the sum of a round again from its record, without any server. */
import { resolve } from 'node:path';
import { parseHex, RoundError, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type CheckedRound, parseRoundRecord, verifyRoundRecord } from '@onlysum/protocol';
import { type Task, verifySignedManifest } from '@onlysum/task';
import type { Command } from 'commander';
import { loadConfiguration } from '../configuration.js';
import { inFile, readJson } from '../files.js';
import { jsonOption, keyFlag, pathFlag, REQUIRED, required } from '../flags.js';
import { print, printJson, table, title } from '../output.js';
import { readOpenedSum } from '../result-file.js';
import type { Terminal } from '../terminal.js';

interface RoundFlags {
  readonly config?: string;
  readonly manifest?: string;
  readonly publisher?: string;
  readonly result?: string;
  readonly json?: true;
}

/** What the record cannot show. Printed with every record that holds. */
const UNCHECKED = [
  'that masked total and seeds are what the devices sent: they are the word of the coordinator',
  'that the devices of the roster are real: that is the word of the registrar',
];

export function addAuditRound(audit: Command, terminal: Terminal): void {
  const { cwd } = terminal;
  audit
    .command('round')
    .summary('open the sum of a round again from its record')
    .description(
      'Takes the masks off the masked total again, from the record that a coordinator writes beside a\n' +
        'result (--export-rounds). Checks that the registrar signed the roster, U2 (who shared keys) and U3\n' +
        '(who is in the sum), that exactly the masks left on a total over U3 come off, and that the sum of\n' +
        'the record, and of --result, is what is then there.\n\n' +
        'The masked total and the seeds are the word of the coordinator: one that makes up both alike is\n' +
        'not found. A record holds seeds of masks, but unmasks no device: the vector of a survivor stays\n' +
        'covered by its masks with other survivors, that of a dropout by its own, which nobody reveals. It\n' +
        'says as much as all lanes of the result, so give it to nobody who may not read all of them.',
    )
    .argument('<file>', 'round record')
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--manifest <file>', `signed manifest ${REQUIRED}`, pathFlag('--manifest', cwd))
    .option(
      '--publisher <hex>',
      `publisher's public key to trust ${REQUIRED}`,
      keyFlag('--publisher'),
    )
    .option('--result <file>', 'result whose sum it must be', pathFlag('--result', cwd))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum audit round results/telemetry-v1-w000003156321-0a1b.record.json \\\n' +
        '    --result results/telemetry-v1-w000003156321-0a1b.json --manifest manifest.signed.json',
    )
    .action((file: string, flags: RoundFlags) => {
      const path = resolve(cwd, file);
      const task = trustedTask(flags, terminal);
      const value = readJson(path);
      const record = inFile(path, () => parseRoundRecord(value));
      const checked = verifyRoundRecord(nativeSuite, task, record);
      if (flags.result !== undefined) checkResult(flags.result, checked);
      if (flags.json === true) printJson(terminal, reportOf(checked, task));
      else print(terminal, ...lines(checked, task, terminal));
    });
}

function trustedTask(flags: RoundFlags, terminal: Terminal): Task {
  const { device } = loadConfiguration(flags.config, terminal.cwd);
  const path = required(flags.manifest ?? device.manifest, '--manifest', 'device.manifest');
  const key = required(flags.publisher ?? device.publisher, '--publisher', 'device.publisher');
  const publisher = parseHex('device.publisher', key, 32);
  const manifest = readJson(path);
  return inFile(path, () => verifySignedManifest(nativeSuite, manifest, publisher));
}

/** @throws {RoundError} `audit-failed` if the result is of another round, or has another sum. */
function checkResult(path: string, { facts, lanes }: CheckedRound): void {
  const result = readOpenedSum(path);
  const round = toHex(facts.round);
  if (result.round !== round) {
    throw new RoundError(
      'audit-failed',
      `${path}: expected the result of round ${round}, got that of ${result.round}`,
    );
  }
  const at = lanes.findIndex((lane, j) => result.lanes[j] !== lane);
  if (at < 0 && result.lanes.length === lanes.length) return;
  const where = at < 0 ? 'lanes' : `lanes[${at}]`;
  throw new RoundError(
    'audit-failed',
    `${path}: ${where}: expected the sum that follows from the record, got another`,
  );
}

function reportOf(checked: CheckedRound, { manifest }: Task): object {
  const { facts, lanes: sum, ...counts } = checked;
  return {
    ok: true,
    task: { name: manifest.name, version: manifest.version },
    window: facts.window,
    round: facts.round,
    devices: facts.n,
    ...counts,
    lanes: sum,
    unchecked: UNCHECKED,
  };
}

function lines(checked: CheckedRound, { manifest, layout }: Task, terminal: Terminal): string[] {
  const { facts, shared, survivors, revealedPairs, recoveredPairs, lanes: sum } = checked;
  return [
    title(terminal, `${manifest.name} version ${manifest.version}, window ${facts.window}`),
    `round      ${toHex(facts.round)}`,
    `roster     ${facts.n} devices, ${shared} in U2, ${survivors} in U3, as the registrar signed`,
    `masks      ${survivors} of survivors, ${revealedPairs} of pairs revealed, ${recoveredPairs} recovered`,
    'sum        follows from the record',
    '',
    table(
      ['lane', 'sum'],
      layout.lanes.map(({ label }, j) => [label, sum[j] ?? '']),
      ['left', 'right'],
    ),
    '',
    ...UNCHECKED.map((what) => `not checked: ${what}`),
  ];
}
