/** `onlysum device receipts`: what this device has sent, and what became of it. */
import type { LedgerEntry, SubmitReceipt } from '@onlysum/client';
import { OnlysumError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { Command } from 'commander';
import { addDeviceFlags, type DeviceFlags, withClient } from '../device-client.js';
import { jsonOption } from '../flags.js';
import { print, printJson } from '../output.js';
import { isReceiptOf } from '../receipt-file.js';
import { type CheckedSignatures, checkedLine, receiptLines } from '../receipt-text.js';
import type { Terminal } from '../terminal.js';

export function addDeviceReceipts(device: Command, terminal: Terminal): void {
  const command = device
    .command('receipts')
    .summary('list what was sent, and check the signatures again')
    .description(
      "Lists this device's submissions, the newest last. Of each receipt it checks again that the\n" +
        'registrar signed the roster, U2 (who shared keys) and U3 (who is in the sum). That this device\n' +
        'is one of them, and what it sent, is its own record, which nobody has signed. A receipt is kept\n' +
        'for as long as the manifest keeps what was sent.',
    );
  addDeviceFlags(command, terminal)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  onlysum device receipts --store device --json')
    .action(async (flags: DeviceFlags) => {
      const { checkReceipt } = await import('@onlysum/client');
      await withClient(flags, {}, terminal, async (client, store) => {
        const { registrar, coordinator } = client.task.manifest;
        const keysFor = (receipt: SubmitReceipt) =>
          isReceiptOf(receipt, client.task)
            ? { registrar, coordinator: coordinator.key }
            : { registrar };
        const entries = (await client.receipts()).map((entry) => ({
          ...entry,
          signatures: signaturesOf(entry, (receipt) =>
            checkReceipt(receipt, keysFor(receipt), nativeSuite),
          ),
        }));
        if (flags.json === true) {
          printJson(terminal, entries);
          return;
        }
        const { receiptsCut } = await store.read();
        if (receiptsCut > 0) {
          print(terminal, `${receiptsCut} older ones were removed before their time: no room.`, '');
        }
        if (entries.length === 0) print(terminal, 'Nothing was sent yet.');
        for (const entry of entries) {
          print(terminal, ...receiptLines(entry), checkedLine(entry.signatures), '');
        }
      });
    });
}

/** @param check - throws if they do not hold, as for a receipt of another registrar. */
function signaturesOf(
  entry: LedgerEntry,
  check: (receipt: SubmitReceipt) => void,
): CheckedSignatures {
  if (entry.kind === 'sent') return 'none';
  try {
    check(entry);
    return 'hold';
  } catch (error) {
    if (error instanceof OnlysumError) return 'do not hold';
    throw error;
  }
}
