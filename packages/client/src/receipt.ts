/** Receipts as JSON, and back into what the registrar's signatures are checked over. Protocol §5.8. */
import { parseHex, portableSuite, type Suite, toHex, UsageError } from '@onlysum/crypto';
import { type Receipt, type SignedAuditHead, verifyReceipt } from '@onlysum/protocol';
import { type Manifest, type Task, windowByIndex } from '@onlysum/task';
import { chargeOf } from './privacy-budget.js';
import {
  type ClientRecord,
  type LedgerEntry,
  MOST_RECEIPTS,
  type ReceiptAuditHead,
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
    auditHeads: {
      coordinator: auditHeadText(receipt.auditHeads.coordinator),
      registrar: auditHeadText(receipt.auditHeads.registrar),
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
 * Checks a receipt again, offline: the registrar's three signatures over what it says, and what each server
 * signed of its audit log.
 *
 * @param keys - public keys, hex, as the manifest names them; without the coordinator's, its head is not
 *   checked.
 * @throws {UsageError} `receipt-invalid` or `hex-invalid`.
 */
export function checkReceipt(
  receipt: SubmitReceipt,
  keys: { readonly registrar: string; readonly coordinator?: string },
  suite: Suite = portableSuite,
): void {
  const { evidence, auditHeads } = receipt;
  const registrar = parseHex('registrar', keys.registrar, 32);
  const known =
    keys.coordinator === undefined
      ? { registrar }
      : { registrar, coordinator: parseHex('coordinator', keys.coordinator, 32) };
  verifyReceipt(suite, known, {
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
    auditHeads: {
      coordinator: parseAuditHead(auditHeads.coordinator),
      registrar: parseAuditHead(auditHeads.registrar),
    },
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

function auditHeadText(head: SignedAuditHead | null): ReceiptAuditHead | null {
  if (head === null) return null;
  return { sequence: head.sequence, digest: toHex(head.digest), signature: toHex(head.signature) };
}

function parseAuditHead(head: ReceiptAuditHead | null): SignedAuditHead | null {
  if (head === null) return null;
  const digest = parseHex('digest', head.digest, 32);
  return { sequence: head.sequence, digest, signature: parseHex('signature', head.signature, 64) };
}

function bitmap(field: string, text: string): Uint8Array {
  return parseHex(field, text, Math.ceil(text.length / 2));
}
