/** Receipts as JSON, and back into what the registrar's signatures are checked over. Protocol §5.8. */
import { parseHex, portableSuite, type Suite, toHex } from '@onlysum/crypto';
import { type Receipt, verifyReceipt } from '@onlysum/protocol';
import type { ClientRecord, SentEntry, SubmitReceipt } from './record.js';

export function submitReceipt(sent: SentEntry, receipt: Receipt): SubmitReceipt {
  const { facts } = receipt;
  return {
    ...sent,
    kind: 'receipt',
    included: receipt.included,
    opened: receipt.opened ?? null,
    devices: receipt.devices,
    survivors: receipt.survivors,
    evidence: {
      incarnation: facts.incarnation,
      k: facts.k,
      t: facts.t,
      seed: toHex(facts.seed),
      root: toHex(facts.root),
      rosterSignature: toHex(receipt.rosterSignature),
      sharedSet: toHex(receipt.sharedSet),
      sharedSetSignature: toHex(receipt.sharedSetSignature),
      survivorSet: toHex(receipt.survivorSet),
      survivorSetSignature: toHex(receipt.survivorSetSignature),
    },
  };
}

/** Puts a receipt in the place of what was written before it was sent. */
export function fileReceipt(record: ClientRecord, receipt: SubmitReceipt): ClientRecord {
  const receipts = record.receipts.map((entry) =>
    entry.round === receipt.round ? receipt : entry,
  );
  return { ...record, receipts };
}

/**
 * Checks a receipt again, offline: the registrar's three signatures over what it says.
 *
 * @param registrar - the registrar's public key, hex, as the manifest names it.
 * @throws {UsageError} `receipt-invalid` or `hex-invalid`.
 */
export function checkReceipt(
  receipt: SubmitReceipt,
  registrar: string,
  suite: Suite = portableSuite,
): void {
  const { evidence } = receipt;
  verifyReceipt(suite, parseHex('registrar', registrar, 32), {
    window: receipt.window,
    included: receipt.included,
    opened: receipt.opened ?? undefined,
    devices: receipt.devices,
    survivors: receipt.survivors,
    facts: {
      taskId: parseHex('taskId', receipt.task.taskId, 32),
      window: receipt.window.index,
      incarnation: evidence.incarnation,
      round: parseHex('round', receipt.round, 16),
      n: receipt.devices,
      k: evidence.k,
      t: evidence.t,
      seed: parseHex('seed', evidence.seed, 32),
      root: parseHex('root', evidence.root, 32),
    },
    rosterSignature: parseHex('rosterSignature', evidence.rosterSignature, 64),
    sharedSet: bitmap('sharedSet', evidence.sharedSet),
    sharedSetSignature: parseHex('sharedSetSignature', evidence.sharedSetSignature, 64),
    survivorSet: bitmap('survivorSet', evidence.survivorSet),
    survivorSetSignature: parseHex('survivorSetSignature', evidence.survivorSetSignature, 64),
  });
}

function bitmap(field: string, text: string): Uint8Array {
  return parseHex(field, text, Math.ceil(text.length / 2));
}
