/** `onlysum device preview`: what a submission would hold, without sending it. */
import type { Preview, PreviewMetric, PrivacyStatus } from '@onlysum/client';
import type { Command } from 'commander';
import { addDeviceFlags, withClient } from '../device-client.js';
import { addValueFlags, recordSettings, type ValueFlags } from '../device-values.js';
import { jsonOption } from '../flags.js';
import { print, printJson, table } from '../output.js';
import { epsilonText } from '../receipt-text.js';
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
        const privacy = await client.privacy();
        if (flags.json === true) {
          printJson(terminal, { ...preview, privacy: privacy ?? { mechanism: 'none' } });
          return;
        }
        print(
          terminal,
          `${preview.task.name} version ${preview.task.version}`,
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
          'Lanes before noise and masks',
          laneTable(preview),
          '',
          ...noiseLines(privacy),
          ...byteLines(preview),
        );
      });
    });
}

function fate(metric: PreviewMetric): string {
  if (!metric.consented) return 'no: group not given';
  if (!metric.included) return 'no: nothing recorded';
  return metric.clipped ? 'yes, clipped' : 'yes';
}

function laneTable({ lanes, round }: Preview): string {
  if (lanes.every(({ noise }) => noise === undefined)) {
    return table(
      ['lane', 'value'],
      lanes.map(({ label, value }) => [label, value]),
      ['left', 'right'],
    );
  }
  return table(
    ['lane', 'value', 'noise of this device', `of all ${round.devices}`],
    lanes.map(({ label, value, noise }) => [
      label,
      value,
      `± ${(noise?.share ?? 0).toFixed(1)}`,
      `± ${(noise?.whole ?? 0).toFixed(1)}`,
    ]),
    ['left', 'right', 'right', 'right'],
  );
}

function noiseLines(privacy: PrivacyStatus | undefined): string[] {
  if (privacy === undefined) return ['Noise is off: the total is exact.'];
  const { mechanism, epsilon, delta, budget, spent, windowsLeft, returnsMs } = privacy;
  const cost = delta === 0 ? `epsilon ${epsilon}` : `epsilon ${epsilon}, delta ${delta}`;
  const more = returnsMs === undefined ? '' : `, more from ${new Date(returnsMs).toISOString()} on`;
  return [
    `Noise: ${mechanism}, one standard deviation each way; a window costs ${cost}.`,
    `Budget: ${epsilonText(spent)} of epsilon ${budget.epsilon} (delta ${budget.delta}) spent in ${budget.days} days; ` +
      `${windowsLeft} more windows fit${more}.`,
  ];
}

function byteLines({ vectorBytes, round }: Preview): string[] {
  const parts = round.messages.map(({ message, bytes }) => `${message} ${bytes}`);
  return [
    `Leaves: ${round.bytes} bytes in a round of ${round.devices} devices (${parts.join(', ')}).`,
    `The ${vectorBytes} bytes of the vector are masked: what leaves looks random, whatever the values.`,
  ];
}
