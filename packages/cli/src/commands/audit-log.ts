/** `onlysum audit log`: a server's audit log, to read or to keep elsewhere. */
import { type AuditEntry, auditLine, auditPages, formatAuditHead } from '@onlysum/service';
import type { Command } from 'commander';
import { addAuditStoreFlags, type AuditStoreFlags, withAuditLog } from '../audit-store.js';
import { jsonOption } from '../flags.js';
import { note, print } from '../output.js';
import type { Terminal } from '../terminal.js';

export function addAuditLog(audit: Command, terminal: Terminal): void {
  const command = audit
    .command('log')
    .summary('print an audit log')
    .description(
      'Prints what a server has done, the oldest entry first: with --json one entry a line, as its digest\n' +
        'covers it, for `onlysum audit verify`. Works while the server runs.',
    );
  addAuditStoreFlags(command, terminal)
    .addOption(jsonOption('print each entry as one line of JSON'))
    .addHelpText('after', '\nExample:\n  onlysum audit log --of registrar --json > audit.jsonl')
    .action((flags: AuditStoreFlags) =>
      withAuditLog(flags, terminal, async (log) => {
        const { base, head } = log;
        const read = (after: number, limit: number) => log.entries(after, limit);
        for await (const page of auditPages(read, base.sequence, head.sequence)) {
          print(terminal, ...page.map(flags.json === true ? jsonLine : textLine));
        }
        note(terminal, `head ${formatAuditHead(head)}`);
        if (base.sequence > 0) {
          note(terminal, `older entries are deleted; begins after ${formatAuditHead(base)}`);
        }
      }),
    );
}

function jsonLine(entry: AuditEntry): string {
  return auditLine(entry).trimEnd();
}

function textLine({ atMs, actor, action, subject, outcome, details }: AuditEntry): string {
  const about = Object.entries(details ?? {}).map(([name, value]) => `${name}=${value}`);
  const words = [new Date(atMs).toISOString(), actor, action, outcome, subject ?? '', ...about];
  return words.filter((word) => word !== '').join(' ');
}
