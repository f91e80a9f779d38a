/** `onlysum registrar revoke`: ends an enrolment, or all that a licence has enrolled. */
import { OnlysumError, UsageError } from '@onlysum/crypto';
import type { Command } from 'commander';
import { invalidFlag, jsonOption, keyFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import { addStoreFlags, inRegistrarStore, type StoreFlags } from '../registrar-store.js';
import type { Terminal } from '../terminal.js';

interface RevokeFlags extends StoreFlags {
  readonly licence?: readonly string[];
}

export function addRegistrarRevoke(registrar: Command, terminal: Terminal): void {
  const command = registrar
    .command('revoke')
    .summary('revoke a device by one of its pseudonyms, or a licence')
    .description(
      'Revokes an enrolment with all its pseudonyms, by any of them; or, by the issuer and subject\n' +
        'of a licence, all that it has enrolled, and it enrols nothing more. Works while the\n' +
        'registrar runs, and counts from the next request on.',
    )
    .argument('[pseudonym]', '64 hex digits', keyFlag('pseudonym'));
  addStoreFlags(command, terminal)
    .option('--licence <names...>', 'issuer and subject of a licence, as in its tokens')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum registrar revoke 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29\n' +
        '  onlysum registrar revoke --licence https://licences.example.org licence-0815',
    )
    .action(async (pseudonym: string | undefined, flags: RevokeFlags) => {
      const revoked =
        flags.licence === undefined
          ? await revokeDevice(pseudonym, flags, terminal)
          : await revokeByLicence(pseudonym, flags.licence, flags, terminal);
      if (flags.json === true) printJson(terminal, { revoked });
      else if (revoked.length === 0) print(terminal, 'Revoked; it had enrolled no device');
      else print(terminal, 'Revoked', ...revoked.map((hex) => `  ${hex}`));
    });
}

async function revokeDevice(
  pseudonym: string | undefined,
  flags: RevokeFlags,
  terminal: Terminal,
): Promise<readonly string[]> {
  if (pseudonym === undefined) {
    throw invalidFlag('pseudonym', 'one, or --licence ISSUER SUBJECT', undefined);
  }
  const { revokeEnrolment } = await import('@onlysum/registrar');
  return inRegistrarStore(flags, terminal, (ledger, context, store) => {
    try {
      return revokeEnrolment(ledger, pseudonym, context);
    } catch (error) {
      throw unknownHere(error, pseudonym, store);
    }
  });
}

async function revokeByLicence(
  pseudonym: string | undefined,
  names: readonly string[],
  flags: RevokeFlags,
  terminal: Terminal,
): Promise<readonly string[]> {
  const [issuer, subject] = names;
  if (issuer === undefined || subject === undefined || names.length > 2) {
    throw invalidFlag('--licence', 'ISSUER SUBJECT', `${names.length} names`);
  }
  if (pseudonym !== undefined) throw invalidFlag('--licence', 'no pseudonym beside it', pseudonym);
  const { revokeLicensed } = await import('@onlysum/registrar');
  return inRegistrarStore(flags, terminal, (ledger, context) => {
    return revokeLicensed(ledger, { issuer, subject }, context).pseudonyms;
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
