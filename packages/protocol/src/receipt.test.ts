import { UsageError, portableSuite } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { signAuditHead } from './audit-head.js';
import { encodeBitmap } from './bitmap.js';
import {
  type RosterFacts,
  maskContext,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from './context.js';
import type { Receipt } from './device/types.js';
import { verifyReceipt } from './receipt.js';

const suite = nativeSuite;
const seed = new Uint8Array(32).fill(1);
const registrarKey = suite.ed25519PublicKey(seed);
const sign = (statement: Uint8Array) => suite.ed25519Sign(seed, statement);
const coordinatorSeed = new Uint8Array(32).fill(8);
const keys = {
  registrar: registrarKey,
  coordinator: suite.ed25519PublicKey(coordinatorSeed),
};

const facts: RosterFacts = {
  taskId: new Uint8Array(32).fill(2),
  window: 7,
  incarnation: 3,
  round: new Uint8Array(16).fill(4),
  n: 10,
  k: 9,
  t: 5,
  seed: new Uint8Array(32).fill(5),
  root: new Uint8Array(32).fill(6),
};

const head = (sequence: number) => ({ sequence, digest: new Uint8Array(32).fill(sequence) });

function receiptOver(
  changed: Partial<RosterFacts> = {},
  survivors = [0, 2, 3, 4, 5, 6, 8, 9],
): Receipt {
  const signed = { ...facts, ...changed };
  const context = roundContext(suite, signed);
  const sharedSet = encodeBitmap([0, 1, 2, 3, 4, 5, 6, 8, 9], signed.n);
  const survivorSet = encodeBitmap(survivors, signed.n);
  const context2 = maskContext(suite, context, sharedSet);
  return {
    window: { index: 7, startMs: 7000, endMs: 8000, epoch: 0 },
    included: true,
    opened: true,
    devices: signed.n,
    survivors: survivors.length,
    facts: signed,
    context,
    rosterSignature: sign(rosterStatement(signed)),
    sharedSet,
    sharedSetSignature: sign(sharedSetStatement(context, sharedSet)),
    survivorSet,
    survivorSetSignature: sign(survivorSetStatement(context2, survivorSet)),
    auditHeads: {
      coordinator: signAuditHead(suite, coordinatorSeed, 'coordinator', signed.round, head(40)),
      registrar: signAuditHead(suite, seed, 'registrar', signed.round, head(50)),
    },
  };
}

const receipt = receiptOver();
const invalid = (field: string) => expect.objectContaining({ code: 'receipt-invalid', field });
const refuse = (changed: Receipt, field: string) => {
  const check = () => verifyReceipt(suite, keys, changed);
  expect(check).toThrow(UsageError);
  expect(check).toThrow(invalid(field));
};

describe('a receipt', () => {
  test('that the registrar signed holds, in both suites', () => {
    verifyReceipt(nativeSuite, keys, receipt);
    verifyReceipt(portableSuite, keys, receipt);
  });

  test.each<[keyof Receipt & ('sharedSet' | 'survivorSet' | `${string}Signature`), string]>([
    ['rosterSignature', 'rosterSignature'],
    ['sharedSet', 'sharedSetSignature'],
    ['sharedSetSignature', 'sharedSetSignature'],
    ['survivorSet', 'survivorSetSignature'],
    ['survivorSetSignature', 'survivorSetSignature'],
  ])('with any byte of %s changed is refused', (field, named) => {
    receipt[field].forEach((_, at) => {
      const bytes = receipt[field].map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
      refuse({ ...receipt, [field]: bytes }, named);
    });
  });

  test.each(['taskId', 'round', 'seed', 'root'] as const)(
    'with any byte of the %s changed is refused',
    (fact) => {
      facts[fact].forEach((_, at) => {
        const bytes = facts[fact].map((byte, i) => (i === at ? byte ^ 0x80 : byte));
        refuse({ ...receipt, facts: { ...facts, [fact]: bytes } }, 'rosterSignature');
      });
    },
  );

  test.each(['window', 'incarnation', 'n', 'k', 't'] as const)(
    'with another %s is refused',
    (fact) => {
      refuse({ ...receipt, facts: { ...facts, [fact]: facts[fact] + 1 } }, 'rosterSignature');
    },
  );

  test('of another registrar is refused', () => {
    const other = suite.ed25519PublicKey(new Uint8Array(32).fill(9));
    expect(() => verifyReceipt(suite, { registrar: other }, receipt)).toThrow(
      invalid('rosterSignature'),
    );
  });

  describe.each(['coordinator', 'registrar'] as const)('with an audit head of the %s', (role) => {
    const signed = receipt.auditHeads[role]!;
    const withHead = (changed: typeof signed | null) => ({
      ...receipt,
      auditHeads: { ...receipt.auditHeads, [role]: changed },
    });
    const field = `auditHeads.${role}`;

    test.each(['digest', 'signature'] as const)('any byte of whose %s is changed', (part) => {
      signed[part].forEach((_, at) => {
        const bytes = signed[part].map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
        refuse(withHead({ ...signed, [part]: bytes }), field);
      });
    });

    test('with another sequence, of another round or of the other server, is refused', () => {
      refuse(withHead({ ...signed, sequence: signed.sequence + 1 }), field);
      const ownSeed = role === 'coordinator' ? coordinatorSeed : seed;
      const otherRound = new Uint8Array(16).fill(9);
      refuse(withHead(signAuditHead(suite, ownSeed, role, otherRound, signed)), field);
      const otherRole = role === 'coordinator' ? 'registrar' : 'coordinator';
      refuse(withHead(signAuditHead(suite, ownSeed, otherRole, facts.round, signed)), field);
    });

    test('that was never said holds', () => {
      verifyReceipt(suite, keys, withHead(null));
    });
  });

  test('checks what the coordinator said only with its key', () => {
    const { coordinator, registrar } = receipt.auditHeads;
    const changed = {
      ...receipt,
      auditHeads: { coordinator: { ...coordinator!, sequence: 0 }, registrar },
    };
    verifyReceipt(suite, { registrar: registrarKey }, changed);
    refuse(changed, 'auditHeads.coordinator');
  });

  test('whose counts or window are not those that were signed is refused', () => {
    refuse({ ...receipt, survivors: receipt.survivors + 1 }, 'survivors');
    refuse({ ...receipt, devices: receipt.devices + 1 }, 'survivors');
    refuse({ ...receipt, window: { ...receipt.window, index: 8 } }, 'window');
  });

  test('with any byte of the context changed is refused', () => {
    receipt.context.forEach((_, at) => {
      const context = receipt.context.map((byte, i) => (i === at ? byte ^ 1 : byte));
      refuse({ ...receipt, context }, 'context');
    });
  });

  test('put together from two rounds is refused', () => {
    const other = receiptOver({ round: new Uint8Array(16).fill(7) });
    const { sharedSet, sharedSetSignature, survivorSet, survivorSetSignature } = other;
    refuse({ ...receipt, sharedSet, sharedSetSignature }, 'sharedSetSignature');
    refuse({ ...receipt, survivorSet, survivorSetSignature }, 'survivorSetSignature');
  });

  test('cannot show U2 for U3', () => {
    const { sharedSet, sharedSetSignature } = receipt;
    const swapped = { survivorSet: sharedSet, survivorSetSignature: sharedSetSignature };
    refuse({ ...receipt, ...swapped, survivors: 9 }, 'survivorSetSignature');
  });
});
