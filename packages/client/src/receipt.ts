/** Receipts as JSON, and back into what the registrar's signatures are checked over. Protocol §5.8. */
import { parseHex, portableSuite, type Suite, toHex, UsageError } from '@onlysum/crypto';
import { type Receipt, verifyReceipt } from '@onlysum/protocol';
import { type Manifest, type Task, windowByIndex } from '@onlysum/task';
import { chargeOf } from './privacy-budget.js';
import {
  type ClientRecord,
  type LedgerEntry,
  MOST_RECEIPTS,
  type SentEntry,
  type SubmitReceipt,
} from './record.js';

export function submitReceipt(sent: Omit<SentEntry, 'kind'>, receipt: Receipt): SubmitReceipt {
  const { facts } = receipt;
  return {
    ...sent,
    kind: 'receipt',
    included: receipt.included,
    opened: receipt.opened ?? null,
    devices: receipt.devices,
    survivors: receipt.survivors,
    evidence: {
      context: toHex(receipt.context),
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

const DAY_MS = 86_400_000;

/** @param groups - those that are given: of the others nothing was sent. */
export function keepUntilMs(
  { metrics }: Manifest,
  groups: readonly string[],
  sentAtMs: number,
): number {
  const days = metrics.map(({ group, retentionDays }) =>
    groups.includes(group) ? retentionDays : 0,
  );
  return sentAtMs + Math.max(0, ...days) * DAY_MS;
}

/** Adds what is about to be sent; what is kept no longer at that time goes. */
export function withEntry(record: ClientRecord, entry: SentEntry): ClientRecord {
  const kept = withoutExpired(record, entry.sentAtMs);
  const receipts = [...kept.receipts, entry];
  const cut = Math.max(0, receipts.length - MOST_RECEIPTS);
  return { ...kept, receipts: receipts.slice(cut), receiptsCut: kept.receiptsCut + cut };
}

/** Without the receipts that the manifest does not let it keep any longer. */
export function withoutExpired(record: ClientRecord, nowMs: number): ClientRecord {
  return { ...record, receipts: record.receipts.filter((entry) => entry.keepUntilMs > nowMs) };
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
    context: parseHex('context', evidence.context, 32),
    rosterSignature: parseHex('rosterSignature', evidence.rosterSignature, 64),
    sharedSet: bitmap('sharedSet', evidence.sharedSet),
    sharedSetSignature: parseHex('sharedSetSignature', evidence.sharedSetSignature, 64),
    survivorSet: bitmap('survivorSet', evidence.survivorSet),
    survivorSetSignature: parseHex('survivorSetSignature', evidence.survivorSetSignature, 64),
  });
}

/**
 * Checks what a receipt says beside what is signed against the manifest: names, the window's times and
 * the promise of noise.
 *
 * @throws {UsageError} `receipt-invalid` naming what differs.
 */
export function checkReceiptTask(entry: LedgerEntry, task: Task): void {
  const { name, version, publisher } = task.manifest;
  const window = windowByIndex(task.manifest, entry.window.index);
  const charge = chargeOf(task, window);
  const { mechanism, epsilon, delta, budget } = charge ?? { mechanism: 'none' };
  const expected = {
    task: { name, version, taskId: toHex(task.taskId), publisher },
    window: { ...window },
    privacy: { mechanism, epsilon, delta, budget },
  };
  const { privacy } = entry;
  const got = {
    task: entry.task,
    window: entry.window,
    privacy: privacy.mechanism === 'none' ? privacy : { ...privacy, spent: undefined },
  };
  for (const field of ['task', 'window', 'privacy'] as const) {
    if (inOrder(got[field]) === inOrder(expected[field])) continue;
    throw new UsageError('receipt-invalid', `receipt.${field}: it is not that of the manifest`, {
      field,
    });
  }
}

/** Equal text for equal plain data, whatever the order of its fields. */
function inOrder(value: object): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function bitmap(field: string, text: string): Uint8Array {
  return parseHex(field, text, Math.ceil(text.length / 2));
}
