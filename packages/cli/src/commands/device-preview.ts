/** `onlysum device preview`: what a submission would hold, without sending it. */
import type { PreviewMetric } from '@onlysum/client';
import type { Command } from 'commander';
import { addDeviceFlags, withClient } from '../device-client.js';
import { addValueFlags, recordSettings, type ValueFlags } from '../device-values.js';
import { jsonOption } from '../flags.js';
import { print, printJson, table } from '../output.js';
import type { Terminal } from '../terminal.js';

export function addDevicePreview(device: Command, terminal: Terminal): void {
  const command = device
    .command('preview')
    .summary('show what would be sent')
    .description('Shows what a submission with these values would hold. Nothing leaves.');
  addValueFlags(addDeviceFlags(command, terminal))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  onlysum device preview --set licence_active=true --opt-in performance --set crashes=2',
    )
    .action(async (flags: ValueFlags) => {
      await withClient(flags, { groups: flags.optIn ?? [] }, terminal, async (client) => {
        recordSettings(client, flags);
        const preview = client.preview();
        if (flags.json === true) {
          printJson(terminal, preview);
          return;
        }
        print(
          terminal,
          `${preview.task.name} version ${preview.task.version}: ${preview.vectorBytes} bytes, masked`,
          table(
            ['metric', 'group', 'value', 'sent', 'purpose'],
            preview.metrics.map((metric) => [
              metric.name,
              metric.group,
              metric.value === undefined ? '–' : String(metric.value),
              fate(metric),
              metric.purpose,
            ]),
          ),
          '',
          'Lanes before masking',
          table(
            ['lane', 'value'],
            preview.lanes.map(({ label, value }) => [label, value]),
            ['left', 'right'],
          ),
        );
      });
    });
}

function fate(metric: PreviewMetric): string {
  if (!metric.consented) return 'no: group not given';
  if (!metric.included) return 'no: nothing recorded';
  return metric.clipped ? 'yes, clipped' : 'yes';
}
