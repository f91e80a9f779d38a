/** `onlysum device enrol`: a one-time code becomes a certificate. */
import type { Command } from 'commander';
import { addDeviceFlags, type DeviceFlags, withClient } from '../device-client.js';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import type { Terminal } from '../terminal.js';

interface EnrolFlags extends DeviceFlags {
  readonly replace?: true;
}

export function addDeviceEnrol(device: Command, terminal: Terminal): void {
  const command = device
    .command('enrol')
    .summary('enrol this device with a one-time code')
    .description(
      'Makes a pseudonym for this device and has it certified. The same code again does nothing.\n' +
        'By the pseudonym it prints the enrolment can be revoked.',
    )
    .argument('<code>', "a code of the registrar's operator");
  addDeviceFlags(command, terminal)
    .option('--replace', 'give up the enrolment by another code that this device has')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  onlysum device enrol 0a1b2c-3d4e5f-607182-93a4b5\n' +
        '  onlysum device enrol --manifest manifest.signed.json --publisher 3b6a…da29 \\\n' +
        '      --registrar-url https://registrar.example.org --store device 0a1b2c-…',
    )
    .action(async (code: string, flags: EnrolFlags) => {
      await withClient(flags, { mayBegin: true }, terminal, async (client, store) => {
        await client.enrol(code, { replace: flags.replace === true });
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
