/** `onlysum registrar audit`: the registrar's audit log, to read or to keep elsewhere. */
import type { AuditEntry } from '@onlysum/service';
import { canonicalBytes } from '@onlysum/task';
import type { Command } from 'commander';
import { jsonOption } from '../flags.js';
import { note, print } from '../output.js';
import { addStoreFlags, type StoreFlags, withRegistrarStore } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

/** Read in one go, so that a running registrar is not held up. */
const ENTRIES_AT_ONCE = 1000;

export function addRegistrarAudit(registrar: Command, terminal: Terminal): void {
  const command = registrar
    .command('audit')
    .summary('print the audit log')
    .description(
      'Prints what the registrar has done, the oldest entry first: with --json one entry a line, as\n' +
        'its digest covers it. Works while the registrar runs. Keep the head elsewhere: whoever holds\n' +
        'the store can write the log anew, and only a head that was kept shows it.',
    );
  addStoreFlags(command, terminal)
    .addOption(jsonOption('print each entry as one line of JSON'))
    .addHelpText('after', '\nExample:\n  onlysum registrar audit --json > audit.jsonl')
    .action(async (flags: StoreFlags) => {
      const { auditBase, auditEntries, auditHead } = await import('@onlysum/registrar');
      await withRegistrarStore(flags, terminal, (store) => {
        const base = store.read(auditBase);
        const end = store.read(auditHead).sequence;
        let { sequence, digest } = base;
        while (sequence < end) {
          const most = Math.min(ENTRIES_AT_ONCE, end - sequence);
          const entries = store.read((ledger) => auditEntries(ledger, sequence, most));
          print(terminal, ...entries.map(flags.json === true ? jsonLine : textLine));
          ({ sequence, digest } = entries.at(-1) ?? { sequence: end, digest });
        }
        note(terminal, `head ${sequence}:${digest}`);
        if (base.sequence > 0) {
          note(terminal, `older entries are deleted; begins after ${base.sequence}:${base.digest}`);
        }
      });
    });
}

/** An entry has one spelling. */
function jsonLine(entry: AuditEntry): string {
  return Buffer.from(canonicalBytes(entry)).toString('utf8');
}

function textLine({ atMs, actor, action, subject, outcome, details }: AuditEntry): string {
  const about = Object.entries(details ?? {}).map(([name, value]) => `${name}=${value}`);
  const words = [new Date(atMs).toISOString(), actor, action, outcome, subject ?? '', ...about];
  return words.filter((word) => word !== '').join(' ');
}
