import type { LedgerEntry, SubmitReceipt } from '@onlysum/client';
import { describe, expect, it, test } from 'vitest';
import { checkedLine, receiptLines } from './receipt-text.js';

const sent = {
  kind: 'sent',
  task: { name: 'app', version: 2, taskId: '', publisher: '' },
  window: { index: 1, startMs: 0, endMs: 600_000, epoch: 0 },
  round: 'ab'.repeat(16),
  sentAtMs: 1000,
  groups: ['essential'],
  values: { licence_active: true, crashes: 2 },
  privacy: { mechanism: 'none' },
} satisfies LedgerEntry;

function outcomeOf(entry: LedgerEntry): string {
  return (receiptLines(entry).at(-1) ?? '').replace(/^outcome +/, '');
}

describe('receiptLines', () => {
  it('says what was sent and when', () => {
    expect(receiptLines(sent).slice(0, 5)).toEqual([
      'task     app version 2',
      'window   1970-01-01T00:00:00.000Z to 1970-01-01T00:10:00.000Z',
      `round    ${'ab'.repeat(16)}`,
      'sent     1970-01-01T00:00:01.000Z, masked: licence_active=true, crashes=2',
      'groups   essential',
    ]);
    expect(receiptLines({ ...sent, values: {} })[3]).toContain('masked: nothing but zeros');
  });

  it('says no more of the outcome than is known', () => {
    const receipt = (change: Partial<SubmitReceipt>): LedgerEntry =>
      ({
        ...sent,
        kind: 'receipt',
        devices: 5,
        survivors: 4,
        included: true,
        opened: true,
        ...change,
      }) as SubmitReceipt;
    expect(outcomeOf(sent)).toMatch(/^unknown/);
    expect(outcomeOf(receipt({}))).toBe('one of 4 in the sum, of 5 in the round; opened');
    expect(outcomeOf(receipt({ opened: false }))).toMatch(/; not opened$/);
    expect(outcomeOf(receipt({ opened: null }))).toMatch(/; not known to be opened$/);
    expect(outcomeOf(receipt({ included: false }))).toBe('not in the sum of 4 devices');
  });
});

test('checkedLine says whose signatures over what, and that inclusion is not among it', () => {
  const of = "(the registrar's, of roster, U2 and U3; inclusion is this device's own record)";
  expect(checkedLine('hold')).toBe(`checked  signatures: hold ${of}`);
  expect(checkedLine('do not hold')).toBe(`checked  signatures: do not hold ${of}`);
  expect(checkedLine('none')).toBe('checked  signatures: none');
});
