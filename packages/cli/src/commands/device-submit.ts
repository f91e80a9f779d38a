/** `onlysum device submit`: takes part in one round and prints the receipt. */
import type { Command } from 'commander';
import { addDeviceFlags, withClient } from '../device-client.js';
import { addValueFlags, recordSettings, type ValueFlags } from '../device-values.js';
import { jsonOption, secondsFlag } from '../flags.js';
import { print, printJson } from '../output.js';
import { receiptLines } from '../receipt-text.js';
import { withAbort } from '../signals.js';
import type { Terminal } from '../terminal.js';

const MOST_TIMEOUT_S = 24 * 3600;

interface SubmitFlags extends ValueFlags {
  /** Milliseconds. */
  readonly timeout?: number;
}

export function addDeviceSubmit(device: Command, terminal: Terminal): void {
  const command = device
    .command('submit')
    .summary('take part in a round of the present window')
    .description(
      'Submits values, masked, in one round of the present window and prints the receipt. A metric\n' +
        'without a value is not reported. Once per device and window, and only while the\n' +
        'privacy budget lasts: a window that was recorded counts, whatever becomes of its round.',
    );
  addValueFlags(addDeviceFlags(command, terminal))
    .option(
      '--timeout <s>',
      'most time in seconds (default: until a minute after the window)',
      secondsFlag('--timeout', MOST_TIMEOUT_S),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum device submit --set licence_active=true --set app_version=2.0 \\\n' +
        '      --opt-in performance --set startup_ms=412 --timeout 60',
    )
    .action(async (flags: SubmitFlags) => {
      await withClient(flags, { groups: flags.optIn ?? [] }, terminal, async (client) => {
        recordSettings(client, flags);
        const { timeout } = flags;
        const receipt = await withAbort((signal) =>
          client.submit({ signal, ...(timeout === undefined ? {} : { timeoutMs: timeout }) }),
        );
        if (flags.json === true) printJson(terminal, receipt);
        else print(terminal, ...receiptLines(receipt));
      });
    });
}
