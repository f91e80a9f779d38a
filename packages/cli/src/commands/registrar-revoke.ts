/** `onlysum registrar revoke`: ends an enrolment. */
import { OnlysumError, UsageError } from '@onlysum/crypto';
import { revoke } from '@onlysum/protocol';
import type { Command } from 'commander';
import { jsonOption, keyFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import { addStoreFlags, inRegistrarStore, type StoreFlags } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

export function addRegistrarRevoke(registrar: Command, terminal: Terminal): void {
  const command = registrar
    .command('revoke')
    .summary('revoke a device by one of its pseudonyms')
    .description(
      'Revokes an enrolment with all its pseudonyms, by any of them. Works while the registrar\n' +
        'runs, and counts from the next request on.',
    )
    .argument('<pseudonym>', '64 hex digits', keyFlag('pseudonym'));
  addStoreFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum registrar revoke 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29',
    )
    .action(async (pseudonym: string, flags: StoreFlags) => {
      const revoked = await inRegistrarStore(flags, terminal, (ledger, _context, store) => {
        try {
          return revoke(ledger, pseudonym);
        } catch (error) {
          throw unknownHere(error, pseudonym, store);
        }
      });
      if (flags.json === true) printJson(terminal, { revoked });
      else print(terminal, 'Revoked', ...revoked.map((hex) => `  ${hex}`));
    });
}

/** The protocol speaks to devices; this is the operator. */
function unknownHere(error: unknown, pseudonym: string, store: string): unknown {
  if (!(error instanceof OnlysumError) || error.code !== 'pseudonym-unknown') return error;
  const expected = `one that was enrolled with the registrar of ${store}`;
  return new UsageError(
    'pseudonym-unknown',
    `pseudonym: expected ${expected}, got ${pseudonym}: it is what 'onlysum device enrol' printed on the device; check --store too`,
    { field: 'pseudonym', expected, got: pseudonym, cause: error },
  );
}
