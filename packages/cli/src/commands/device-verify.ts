/** `onlysum device verify`: receipts checked again, by anybody, without a server or a device's record. */
import type { LedgerEntry, SubmitReceipt } from '@onlysum/client';
import { OnlysumError, RoundError, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Task } from '@onlysum/task';
import type { Command } from 'commander';
import { readStandardInput, readText } from '../files.js';
import { invalidFlag, jsonOption, keyFlag, pathFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import { isReceiptOf, readReceipts } from '../receipt-file.js';
import { receiptLines } from '../receipt-text.js';
import { loadTask } from '../tasks.js';
import type { Terminal } from '../terminal.js';

interface VerifyFlags {
  readonly manifest?: string;
  readonly registrar?: string;
  readonly json?: true;
}

/** What was found of one receipt. */
interface Verdict {
  readonly entry: LedgerEntry;
  /** `none`: it ended before there were any. */
  readonly signatures: 'hold' | 'do not hold' | 'none';
  /** Whether task, window and noise are those of the manifest; `unknown` of another or without one. */
  readonly manifest: 'agrees' | 'does not agree' | 'unknown';
  /** What does not hold. */
  readonly fault: string | undefined;
}

export function addDeviceVerify(device: Command, terminal: Terminal): void {
  const { cwd } = terminal;
  device
    .command('verify')
    .summary('check receipts again, without any server')
    .description(
      'Reads one receipt or a list of them, as `device submit --json` and `device receipts --json` print\n' +
        "them, and checks the registrar's three signatures: of the roster, of U2 (who shared keys) and of U3\n" +
        '(who is in the sum), with task, window and counts, and what the registrar said of its audit log. With a\n' +
        "manifest it also checks names, times and noise, and the coordinator's word on its audit log. What was\n" +
        'sent, and that this device is in U3, is its own record.',
    )
    .argument('[file]', 'receipts as JSON; - is standard input', '-')
    .option(
      '--manifest <file>',
      'signed manifest that you trust; it names the registrar',
      pathFlag('--manifest', cwd),
    )
    .option('--registrar <hex>', "registrar's public key that you trust", keyFlag('--registrar'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum device receipts --json > receipts.json\n' +
        '  onlysum device verify receipts.json --manifest manifest.signed.json',
    )
    .action(async (file: string, flags: VerifyFlags) => {
      const client = await import('@onlysum/client');
      const task = flags.manifest === undefined ? undefined : loadTask(flags.manifest);
      const registrar = registrarKey(flags.registrar, task);
      const path = file === '-' ? 'standard input' : pathFlag('file', cwd)(file);
      const text = file === '-' ? await readStandardInput(terminal) : readText(path);
      const entries = await readReceipts(path, text);
      const verdicts = entries.map((entry) =>
        verdictOf(entry, task, {
          signatures: (receipt) =>
            client.checkReceipt(receipt, { registrar, ...coordinatorOf(entry, task) }, nativeSuite),
          manifest: (manifest) => client.checkReceiptTask(entry, manifest),
        }),
      );
      if (flags.json === true) printJson(terminal, verdicts.map(record));
      else for (const verdict of verdicts) print(terminal, ...verdictLines(verdict), '');
      failUnlessAllHold(verdicts);
    });
}

function registrarKey(given: string | undefined, task: Task | undefined): string {
  const named = task?.manifest.registrar;
  if (given === undefined && named === undefined) {
    throw invalidFlag('device verify', '--manifest or --registrar', 'neither');
  }
  if (given !== undefined && named !== undefined && given !== named) {
    throw invalidFlag('--registrar', `that of the manifest (${named}), or no manifest`, given);
  }
  return given ?? named ?? '';
}

function coordinatorOf(entry: LedgerEntry, task: Task | undefined): { coordinator?: string } {
  if (task === undefined || !isReceiptOf(entry, task)) return {};
  return { coordinator: task.manifest.coordinator.key };
}

interface Checks {
  signatures(receipt: SubmitReceipt): void;
  manifest(task: Task): void;
}

function verdictOf(entry: LedgerEntry, task: Task | undefined, checks: Checks): Verdict {
  const signed = entry.kind === 'sent' ? undefined : faultOf(() => checks.signatures(entry));
  const isOfTask = task !== undefined && isReceiptOf(entry, task);
  const named = isOfTask ? faultOf(() => checks.manifest(task)) : undefined;
  return {
    entry,
    signatures: entry.kind === 'sent' ? 'none' : signed === undefined ? 'hold' : 'do not hold',
    manifest: !isOfTask ? 'unknown' : named === undefined ? 'agrees' : 'does not agree',
    fault: signed ?? named,
  };
}

function faultOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof OnlysumError) return error.message;
    throw error;
  }
}

function record({ entry, signatures, manifest, fault }: Verdict) {
  const { task, window, round } = entry;
  return { round, taskId: task.taskId, window: window.index, signatures, manifest, fault };
}

function verdictLines({ entry, signatures, manifest, fault }: Verdict): string[] {
  const found = {
    hold: 'context, roster, U2 and U3 are as the registrar signed them',
    'do not hold': 'NOT what the registrar signed',
    none: 'has no signatures: the round ended for this device before there were any',
  };
  const named = {
    agrees: 'names, times and noise are those of the manifest',
    'does not agree': 'NOT as the manifest has it',
    unknown:
      "names, times, noise and the coordinator's audit head are not checked: no manifest of this task was given",
  };
  return [
    ...receiptLines(entry),
    `checked  ${found[signatures]}`,
    `         ${named[manifest]}`,
    ...(fault === undefined ? [] : [`fault    ${fault}`]),
  ];
}

function failUnlessAllHold(verdicts: readonly Verdict[]): void {
  const failed = verdicts.filter(({ fault }) => fault !== undefined);
  if (failed.length > 0) {
    throw new RoundError(
      'audit-failed',
      `${failed.length} of ${verdicts.length} receipts do not hold; the first: ${failed[0]?.fault}`,
    );
  }
  if (!verdicts.some(({ signatures }) => signatures === 'hold')) {
    const expected = 'at least one receipt with signatures';
    throw new UsageError('file-invalid', `receipts: expected ${expected}, got none`, { expected });
  }
}
