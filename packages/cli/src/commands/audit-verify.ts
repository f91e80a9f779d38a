/** `onlysum audit verify`: follows an audit log in a file, without the server that wrote it. */
import { resolve } from 'node:path';
import { RoundError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type AuditFileFault,
  type AuditHead,
  formatAuditHead,
  parseAuditHead,
  verifyAuditFile,
} from '@onlysum/service';
import type { Command } from 'commander';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface VerifyFlags {
  readonly head?: AuditHead;
  readonly json?: true;
}

export function addAuditVerify(audit: Command, terminal: Terminal): void {
  audit
    .command('verify')
    .summary('check that an audit log was not changed')
    .description(
      'Follows the chain of an audit log in a file, one entry a line, and shows the first entry that was\n' +
        'edited, removed or moved. Whoever holds a log can also drop its newest entries, or write it anew\n' +
        'from some point: only a head that somebody else has kept shows that. Give it with --head, and\n' +
        'keep the head that is printed.',
    )
    .argument('<file>', 'audit log as JSON Lines')
    .option('--head <sequence:digest>', 'a head seen before, which must be on it', parseAuditHead)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum audit verify audit.jsonl\n' +
        `  onlysum audit verify audit.jsonl --head 1290:${'0a1b'.repeat(16)} --json`,
    )
    .action(async (file: string, flags: VerifyFlags) => {
      const path = resolve(terminal.cwd, file);
      const { entries, head, fault } = await verifyAuditFile(nativeSuite, path, flags.head);
      if (flags.json === true) {
        printJson(terminal, { ok: fault === undefined, entries, head, ...(fault && { fault }) });
      } else {
        print(
          terminal,
          fault === undefined
            ? `holds  ${entries} entries`
            : `holds  ${entries} entries, then no more`,
          `head   ${formatAuditHead(head)}`,
        );
      }
      if (fault !== undefined) throw new RoundError('audit-failed', faultText(fault));
    });
}

function faultText({ line, sequence, reason, detail }: AuditFileFault): string {
  const where = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(sequence === undefined ? [] : [`entry ${sequence}`]),
  ];
  return `${where.join(', ')}: ${reason}: ${detail}`;
}
