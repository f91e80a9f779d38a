/** `onlysum audit head`: where a server's audit log stands, to be published. */
import { formatAuditHead } from '@onlysum/service';
import type { Command } from 'commander';
import { addAuditStoreFlags, type AuditStoreFlags, withAuditLog } from '../audit-store.js';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

export function addAuditHead(audit: Command, terminal: Terminal): void {
  const command = audit
    .command('head')
    .summary('print where an audit log stands')
    .description(
      "Reads the head of a server's audit log from its store; works while the server runs. Published where\n" +
        'its owner cannot take it back, it shows later that nothing before it was changed: append it daily\n' +
        'to a file that others copy, and give that file to `onlysum audit verify --heads`.',
    );
  addAuditStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum audit head --of coordinator >> heads.txt')
    .action((flags: AuditStoreFlags) =>
      withAuditLog(flags, terminal, async ({ head }) => {
        const time = new Date().toISOString();
        if (flags.json === true) printJson(terminal, { of: flags.of, ...head, time });
        else print(terminal, `${formatAuditHead(head)} ${time} ${flags.of}`);
      }),
    );
}
