/** `onlysum audit graph`: draws the graph of a round again, and holds what was attested against it. */
import { RoundError, UsageError, parseHex, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { drawGraph, rosterParameters } from '@onlysum/protocol';
import { type Task, verifySignedManifest } from '@onlysum/task';
import type { Command } from 'commander';
import { corruptOption, devicesOption, dropoutOption } from '../assumption-flags.js';
import { inFile, readJson } from '../files.js';
import { invalidFlag, jsonOption, keyFlag, pathFlag } from '../flags.js';
import {
  type GraphAudit,
  type GraphSummary,
  type Spread,
  auditRound,
  summariseGraph,
} from '../graph-audit.js';
import { print, printJson, title } from '../output.js';
import { readAttestedRound } from '../result-file.js';
import type { Terminal } from '../terminal.js';

interface AuditFlags {
  readonly result?: string;
  readonly manifest?: string;
  readonly publisher?: string;
  readonly seed?: string;
  readonly devices?: number;
  readonly corrupt?: number;
  readonly dropout?: number;
  readonly json?: true;
}

export function addAuditGraph(audit: Command, terminal: Terminal): void {
  const { cwd } = terminal;
  audit
    .command('graph')
    .summary('draw the graph of a round again from its seed')
    .description(
      'Draws who neighbours whom again: from the result file of a coordinator, or from a seed. With a\n' +
        "result, the signed manifest and the publisher's key it checks the registrar's signatures, k and\n" +
        't, and that every member of U2 (who shared keys) and U3 (who is in the sum) has t neighbours\n' +
        'in it. Without manifest and key what is written in the result is taken as it stands.',
    )
    .option('--result <file>', 'result of a coordinator', pathFlag('--result', cwd))
    .option('--manifest <file>', 'signed manifest of the task', pathFlag('--manifest', cwd))
    .option('--publisher <hex>', "publisher's public key to trust", keyFlag('--publisher'))
    .option('--seed <hex>', 'seed of a roster, instead of a result', seedFlag)
    .addOption(devicesOption())
    .addOption(corruptOption())
    .addOption(dropoutOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  onlysum audit graph --result results/telemetry-v1-w000003156321-0a1b.json \\\n' +
        '    --manifest manifest.signed.json --publisher 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\n' +
        `  onlysum audit graph --seed ${'07'.repeat(32)} --devices 1000 --corrupt 10 --dropout 50`,
    )
    .action((flags: AuditFlags) => {
      if (flags.result === undefined) auditSeed(flags, terminal);
      else auditResult(flags.result, flags, terminal);
    });
}

function auditSeed(flags: AuditFlags, terminal: Terminal): void {
  const { seed, devices, corrupt, dropout } = flags;
  if (
    seed === undefined ||
    devices === undefined ||
    corrupt === undefined ||
    dropout === undefined
  ) {
    const expected = '--result, or all of --seed, --devices, --corrupt and --dropout';
    throw invalidFlag('audit graph', expected, 'fewer');
  }
  if (flags.manifest !== undefined || flags.publisher !== undefined) {
    throw invalidFlag('--manifest', '--result beside it: a seed alone has no signature', '--seed');
  }
  const bytes = parseHex('--seed', seed, 32);
  const parameters = rosterParameters(devices, { corrupt, dropout });
  const graph = drawGraph(nativeSuite, parameters, bytes);
  const summary = summariseGraph(nativeSuite, parameters, graph, bytes);
  if (flags.json === true) printJson(terminal, summary);
  else print(terminal, ...summaryLines(summary, terminal));
}

function auditResult(path: string, flags: AuditFlags, terminal: Terminal): void {
  for (const name of ['seed', 'devices', 'corrupt', 'dropout'] as const) {
    if (flags[name] !== undefined) {
      throw invalidFlag(`--${name}`, 'nothing beside --result, which has it', flags[name]);
    }
  }
  const task = trustedTask(flags);
  const audit = auditRound(nativeSuite, readAttestedRound(path), task);
  const failed = audit.checks.filter(({ holds }) => !holds);
  if (flags.json === true) printJson(terminal, { ok: failed.length === 0, ...audit });
  else print(terminal, ...summaryLines(audit, terminal), '', ...auditLines(audit));
  if (failed.length > 0) {
    const [first] = failed;
    throw new RoundError(
      'audit-failed',
      `${failed.length} of ${audit.checks.length} checks do not hold; the first: ${first?.what}`,
    );
  }
}

function trustedTask({ manifest, publisher }: AuditFlags): Task | undefined {
  if (manifest === undefined && publisher === undefined) return undefined;
  if (manifest === undefined || publisher === undefined) {
    const [there, missing] =
      manifest === undefined ? ['--publisher', '--manifest'] : ['--manifest', '--publisher'];
    throw new UsageError('flag-invalid', `${there}: expected ${missing} beside it, got nothing`, {
      field: there,
      expected: `${missing} beside it`,
      got: 'nothing',
    });
  }
  const value = readJson(manifest);
  return inFile(manifest, () =>
    verifySignedManifest(nativeSuite, value, parseHex('--publisher', publisher, 32)),
  );
}

function seedFlag(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw invalidFlag('--seed', '64 lower-case hex digits', text);
}

function summaryLines(summary: GraphSummary, terminal: Terminal): string[] {
  const { graph, n, k, t, seed, hash, degree } = summary;
  const name = graph === 'tables' ? `${k / 2} round tables` : 'complete graph';
  return [
    title(terminal, `${name} of ${n} devices, k = ${k}, t = ${t}`),
    `seed        ${toHex(seed)}`,
    `neighbours  SHA-256 ${toHex(hash)}`,
    `degree      ${spreadText(degree)}`,
  ];
}

function auditLines({ inSharedSet, inSurvivorSet, checks, unchecked }: GraphAudit): string[] {
  return [
    `neighbours in U2, of its members  ${spreadText(inSharedSet)}`,
    `neighbours in U3, of its members  ${spreadText(inSurvivorSet)}`,
    '',
    ...checks.map(({ what, holds, detail }) =>
      holds ? `holds   ${what}` : `FAILS   ${what}: ${detail}`,
    ),
    ...unchecked.map((what) => `not checked: ${what}`),
  ];
}

function spreadText({ least, mean, most }: Spread): string {
  return least === most ? `${least}` : `${least} to ${most}, ${mean.toFixed(1)} on average`;
}
