/** `onlysum audit verify`: follows an audit log in a file, without the server that wrote it. */
import { resolve } from 'node:path';
import { invalidField, RoundError, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { AuditedRole } from '@onlysum/protocol';
import {
  type AuditFileFault,
  type AuditHead,
  formatAuditHead,
  parseAuditHead,
  verifyAuditFile,
} from '@onlysum/service';
import { type Command, Option } from 'commander';
import { headsOfReceipts, type HeadsOfReceipts, readHeads } from '../audit-heads.js';
import { invalidFlag, jsonOption, pathFlag, repeated } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface VerifyFlags {
  readonly head?: readonly AuditHead[];
  readonly heads?: string;
  readonly receipts?: string;
  readonly manifest?: string;
  readonly of?: AuditedRole;
  readonly base?: AuditHead;
  readonly json?: true;
}

export function addAuditVerify(audit: Command, terminal: Terminal): void {
  const { cwd } = terminal;
  audit
    .command('verify')
    .summary('check that an audit log was not changed')
    .description(
      'Follows the chain of an audit log in a file, one entry a line, and shows the first entry that was\n' +
        'edited, removed or moved. Whoever holds a log can also drop its newest entries, or write it anew\n' +
        'from some point: only heads that somebody else has kept show that. Give those that were published\n' +
        'with --head or --heads, and those that devices were given with --receipts; keep the one printed.',
    )
    .argument('<file>', 'audit log as JSON Lines')
    .option(
      '--head <sequence:digest>',
      'a head seen before, which must be on it; may be repeated',
      repeated(parseAuditHead),
    )
    .option('--heads <file>', 'such heads, one a line', pathFlag('--heads', cwd))
    .option('--receipts <file>', 'receipts of devices, as JSON', pathFlag('--receipts', cwd))
    .option('--manifest <file>', 'signed manifest of those receipts', pathFlag('--manifest', cwd))
    .addOption(
      new Option('--of <role>', 'whose log it is, to look for its heads in receipts').choices([
        'coordinator',
        'registrar',
      ]),
    )
    .option(
      '--base <sequence:digest>',
      'what the first entry follows, where older ones were deleted',
      parseAuditHead,
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum audit verify audit.jsonl\n' +
        `  onlysum audit verify audit.jsonl --head 1290:${'0a1b'.repeat(16)} --json\n` +
        '  onlysum audit verify audit.jsonl --receipts receipts.json --manifest manifest.signed.json \\\n' +
        '    --of coordinator',
    )
    .action(async (file: string, flags: VerifyFlags) => {
      const path = resolve(terminal.cwd, file);
      const { heads, without } = await keptHeads(flags);
      const known = flags.base === undefined ? { heads } : { heads, base: flags.base };
      const { entries, head, headsBefore, fault } = await verifyAuditFile(nativeSuite, path, known);
      // Its server's start is in every log: an empty file is what a failed `audit log` leaves.
      if (entries === 0 && fault === undefined && flags.base === undefined) {
        throw invalidField(UsageError, 'file-invalid', path, 'an entry, or --base', 'none');
      }
      const kept = { given: heads.length, before: headsBefore, receiptsWithout: without };
      if (flags.json === true) {
        const ok = fault === undefined && !isUnseen(kept);
        printJson(terminal, { ok, entries, head, heads: kept, ...(fault && { fault }) });
      } else {
        print(
          terminal,
          fault === undefined
            ? `holds  ${entries} entries`
            : `holds  ${entries} entries, then no more`,
          `head   ${formatAuditHead(head)}`,
          ...(fault === undefined && heads.length > 0 ? keptLines(kept) : []),
        );
      }
      if (fault !== undefined) throw new RoundError('audit-failed', faultText(fault));
      if (isUnseen(kept)) {
        const why =
          'every head that was given is of before its first entry: none could be looked for';
        throw new RoundError('audit-failed', why);
      }
    });
}

interface Kept {
  readonly given: number;
  readonly before: number;
  readonly receiptsWithout: number;
}

async function keptHeads(flags: VerifyFlags): Promise<HeadsOfReceipts> {
  const { head = [], heads, receipts, manifest, of } = flags;
  const named = [...head, ...(heads === undefined ? [] : readHeads(heads))];
  if (receipts === undefined) return { heads: named, without: 0 };
  if (manifest === undefined || of === undefined) {
    const missing = manifest === undefined ? '--manifest' : '--of';
    throw invalidFlag(missing, 'a value with --receipts', 'nothing');
  }
  const told = await headsOfReceipts(receipts, manifest, of);
  return { heads: [...named, ...told.heads], without: told.without };
}

function isUnseen({ given, before }: Kept): boolean {
  return given > 0 && given === before;
}

function keptLines({ given, before, receiptsWithout }: Kept): string[] {
  const on = given - before;
  const found = `kept   ${on} ${on === 1 ? 'head that was kept is' : 'heads that were kept are'} on it`;
  const older = before === 0 ? '' : `; ${before} of before its first entry cannot be looked for`;
  return [
    found + older,
    ...(receiptsWithout === 0
      ? []
      : [`       ${receiptsWithout} of the receipts have none, or are of another task or version`]),
  ];
}

function faultText({ line, sequence, reason, detail }: AuditFileFault): string {
  const where = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(sequence === undefined ? [] : [`entry ${sequence}`]),
  ];
  return `${where.join(', ')}: ${reason}: ${detail}`;
}
