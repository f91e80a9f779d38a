/** `onlysum device enrol`: a one-time code, or a licence token, becomes a certificate. */
import type { Credential } from '@onlysum/client';
import type { Command } from 'commander';
import { addDeviceFlags, type DeviceFlags, withClient } from '../device-client.js';
import { readText } from '../files.js';
import { invalidFlag, jsonOption, pathFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface EnrolFlags extends DeviceFlags {
  readonly tokenFile?: string;
  readonly replace?: true;
}

export function addDeviceEnrol(device: Command, terminal: Terminal): void {
  const command = device
    .command('enrol')
    .summary('enrol this device with a one-time code or a licence token')
    .description(
      'Makes a pseudonym for this device and has it certified. The same code again, or a token of\n' +
        'the same licence, does nothing. By the pseudonym it prints the enrolment can be revoked.',
    )
    .argument('[code]', "a code of the registrar's operator");
  addDeviceFlags(command, terminal)
    .option(
      '--token-file <file>',
      'a licence token (JWT) in the place of a code',
      pathFlag('--token-file', terminal.cwd),
    )
    .option('--replace', 'give up the enrolment by another code or licence that this device has')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum device enrol 0a1b2c-3d4e5f-607182-93a4b5\n' +
        '  onlysum device enrol --manifest manifest.signed.json --publisher 3b6a…da29 \\\n' +
        '      --registrar-url https://registrar.example.org --store device 0a1b2c-…',
    )
    .action(async (code: string | undefined, flags: EnrolFlags) => {
      const credential = credentialOf(code, flags.tokenFile);
      await withClient(flags, { mayBegin: true }, terminal, async (client, store) => {
        await client.enrol(credential, { replace: flags.replace === true });
        const { name, version, registrar } = client.task.manifest;
        const { registrars } = await store.read();
        const pseudonym = registrars[registrar]?.pseudonyms.at(-1)?.publicKey;
        if (flags.json === true) {
          printJson(terminal, { enrolled: true, name, version, registrar, pseudonym });
          return;
        }
        print(terminal, `Enrolled for ${name} with registrar ${registrar}`);
        print(terminal, `as pseudonym ${pseudonym}`);
      });
    });
}

/** A token comes in a file only: arguments of a command can be seen by all of a machine. */
function credentialOf(code: string | undefined, tokenFile: string | undefined): Credential {
  if (code !== undefined && tokenFile === undefined) return code;
  if (code === undefined && tokenFile !== undefined) return { token: readText(tokenFile) };
  const got = code === undefined ? 'neither' : 'both';
  throw invalidFlag('code', 'either a code or --token-file FILE', got);
}
