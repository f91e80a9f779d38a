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
  keepUntilMs: 86_401_000,
} satisfies LedgerEntry;

function outcomeOf(entry: LedgerEntry): string {
  return (receiptLines(entry).at(-1) ?? '').replace(/^outcome +/, '');
}

describe('receiptLines', () => {
  it('says what was sent and when', () => {
    expect(receiptLines(sent).slice(0, 7)).toEqual([
      'task     app version 2',
      'window   1970-01-01T00:00:00.000Z to 1970-01-01T00:10:00.000Z',
      `round    ${'ab'.repeat(16)}`,
      'sent     1970-01-01T00:00:01.000Z, masked: licence_active=true, crashes=2',
      'groups   essential',
      'noise    off: the total is exact',
      'kept     until 1970-01-02T00:00:01.000Z',
    ]);
    expect(receiptLines({ ...sent, values: {} })[3]).toContain('masked: nothing but zeros');
  });

  it('says what the window cost, and what of the budget is gone', () => {
    const noise = (privacy: LedgerEntry['privacy']) => receiptLines({ ...sent, privacy })[5];
    const budget = { epsilon: 12, delta: 0.00001, days: 30 };
    const window = { epsilon: 1, delta: 0.000001, budget, spent: 2.718003 };
    expect(noise({ mechanism: 'skellam', ...window })).toBe(
      'noise    skellam, epsilon 1, delta 0.000001; then 2.718 of 12 in 30 days were spent',
    );
    const day = { ...window, delta: 0, budget: { ...budget, days: 1 } };
    expect(noise({ mechanism: 'discrete-laplace', ...day })).toBe(
      'noise    discrete-laplace, epsilon 1; then 2.718 of 12 in a day were spent',
    );
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
        auditHeads: { coordinator: null, registrar: null },
        ...change,
      }) as SubmitReceipt;
    const head = { sequence: 7, digest: 'cd'.repeat(32), signature: '' };
    const withHeads = receiptLines(receipt({ auditHeads: { coordinator: head, registrar: head } }));
    expect(withHeads.slice(7, 9)).toEqual([
      `audit    coordinator 7:${'cd'.repeat(32)}`,
      `audit    registrar 7:${'cd'.repeat(32)}`,
    ]);
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
