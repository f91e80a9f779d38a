/**
 * A receipt checked again, offline: the registrar's three signatures over what it says, and each server's over
 * its audit head. §5.8.
 */
import { type Suite, UsageError, equalBytes } from '@onlysum/crypto';
import { isSignedAuditHead } from './audit-head.js';
import { decodeBitmap } from './bitmap.js';
import {
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from './context.js';
import type { Receipt } from './device/types.js';

/** Ed25519 public keys that the manifest names. */
export interface ReceiptKeys {
  readonly registrar: Uint8Array;
  /** Left out: what the coordinator said of its audit log is not checked. */
  readonly coordinator?: Uint8Array;
}

/** @throws {UsageError} `receipt-invalid` naming what does not hold. */
export function verifyReceipt(suite: Suite, keys: ReceiptKeys, receipt: Receipt): void {
  const { facts } = receipt;
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, receipt.sharedSet);
  const signed: [string, Uint8Array, Uint8Array][] = [
    ['rosterSignature', rosterStatement(facts), receipt.rosterSignature],
    [
      'sharedSetSignature',
      sharedSetStatement(context, receipt.sharedSet),
      receipt.sharedSetSignature,
    ],
    [
      'survivorSetSignature',
      survivorSetStatement(context2, receipt.survivorSet),
      receipt.survivorSetSignature,
    ],
  ];
  for (const [field, statement, signature] of signed) {
    if (!suite.ed25519Verify(keys.registrar, statement, signature)) {
      throw invalid(field, 'it is not by the registrar over this receipt');
    }
  }
  if (!equalBytes(context, receipt.context)) {
    throw invalid('context', 'it is not that of its facts');
  }
  const survivors = decodeBitmap(receipt.survivorSet, facts.n, 'survivorSet');
  if (survivors.length !== receipt.survivors || facts.n !== receipt.devices) {
    throw invalid('survivors', 'the counts differ from the signed sets');
  }
  if (receipt.window.index !== facts.window) throw invalid('window', 'it is not the signed one');
  for (const role of ['coordinator', 'registrar'] as const) {
    const head = receipt.auditHeads[role];
    const key = keys[role];
    if (head === null || key === undefined) continue;
    if (isSignedAuditHead(suite, key, role, facts.round, head)) continue;
    throw invalid(`auditHeads.${role}`, `the ${role} of the manifest did not say it in this round`);
  }
}

function invalid(field: string, why: string): UsageError {
  return new UsageError('receipt-invalid', `receipt.${field}: ${why}`, { field });
}
