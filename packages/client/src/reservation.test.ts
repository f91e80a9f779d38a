import { toHex } from '@onlysum/crypto';
import type { Reservation } from '@onlysum/protocol';
import { type Manifest, pureCost } from '@onlysum/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Charge } from './privacy-budget.js';
import { emptyRecord, MOST_RECEIPTS, registrarOf, type SentEntry } from './record.js';
import { freeFromMs, reserve } from './reservation.js';

const REGISTRAR = 'aa'.repeat(32);

function reservation(change: Partial<Reservation> = {}): Reservation {
  return {
    publisher: new Uint8Array(32).fill(1),
    metrics: ['a', 'b'],
    windowStartMs: 1000,
    windowEndMs: 2000,
    incarnation: 3,
    round: new Uint8Array(16).fill(9),
    ...change,
  };
}

function entry(round = '09'.repeat(16)): SentEntry {
  return { round, privacy: { mechanism: 'none' }, sentAtMs: 0, keepUntilMs: 1 } as SentEntry;
}

const publisher = toHex(reservation().publisher);

describe('a reservation', () => {
  it('takes all metrics at once, raises the incarnation, and enters the ledger', () => {
    const [record, outcome] = reserve(emptyRecord(), reservation(), REGISTRAR, undefined, entry());
    expect(outcome).toBe('reserved');
    expect(record.contributedUntil).toEqual({ [publisher]: { a: 2000, b: 2000 } });
    expect(registrarOf(record, REGISTRAR).incarnation).toBe(3);
    expect(record.receipts).toEqual([entry()]);
  });

  const taken: [name: string, change: Partial<Reservation>][] = [
    ['the same window', {}],
    ['an older window', { windowStartMs: 0, windowEndMs: 1000 }],
    ['a window that begins before the last one ended', { windowStartMs: 1999, windowEndMs: 2999 }],
    ['one metric of several in a twin task', { metrics: ['c', 'b'] }],
    ['an older incarnation', { windowStartMs: 2000, windowEndMs: 3000, incarnation: 2 }],
  ];

  it.each(taken)('conflicts for %s, and changes nothing', (_name, change) => {
    const [before] = reserve(emptyRecord(), reservation(), REGISTRAR, undefined, entry());
    const [after, outcome] = reserve(before, reservation(change), REGISTRAR, undefined, entry());
    expect(outcome).toBe('conflict');
    expect(after).toBe(before);
  });

  const free: [name: string, change: Partial<Reservation>, registrar?: string][] = [
    ['the next window', { windowStartMs: 2000, windowEndMs: 3000 }],
    ['other metrics', { metrics: ['c'] }],
    ['metrics named like what objects inherit', { metrics: ['constructor'] }],
    ['another publisher', { publisher: new Uint8Array(32).fill(2) }],
    ["another registrar's incarnation", { metrics: ['c'], incarnation: 0 }, 'bb'.repeat(32)],
  ];

  it.each(free)('is open for %s', (_name, change, registrar = REGISTRAR) => {
    const [before] = reserve(emptyRecord(), reservation(), REGISTRAR, undefined, entry());
    const [after, outcome] = reserve(before, reservation(change), registrar, undefined, entry());
    expect(outcome).toBe('reserved');
    const again = reserve(after, reservation(change), registrar, undefined, entry());
    expect(again[1]).toBe('conflict');
  });

  it('keeps the ledger bounded, the newest last, and says how many had to go', () => {
    let record = emptyRecord();
    for (let i = 0; i < MOST_RECEIPTS + 5; i++) {
      const windowStartMs = i * 1000;
      const next = reservation({ windowStartMs, windowEndMs: windowStartMs + 1000 });
      [record] = reserve(record, next, REGISTRAR, undefined, entry(String(i)));
    }
    expect(record.receipts).toHaveLength(MOST_RECEIPTS);
    expect(record.receipts.at(-1)?.round).toBe(String(MOST_RECEIPTS + 4));
    expect(record.receiptsCut).toBe(5);
  });

  describe('in a task with noise', () => {
    const charge: Charge = {
      windowStartMs: 1000,
      windowEndMs: 2000,
      windows: 1,
      task: 'task',
      cost: pureCost(1),
      lengthMs: 1000,
      mechanism: 'discrete-laplace',
      epsilon: 1,
      delta: 0,
      budget: { epsilon: 2, delta: 0, days: 1 },
    };
    const at = (index: number): [Reservation, Charge] => {
      const times = { windowStartMs: index * 1000, windowEndMs: (index + 1) * 1000 };
      return [reservation(times), { ...charge, ...times }];
    };

    it('spends what the window costs in the same step, and enters it in the ledger', () => {
      const [record] = reserve(emptyRecord(), reservation(), REGISTRAR, charge, entry());
      const { windowStartMs, windowEndMs, windows, task, cost } = charge;
      const spent = { windowStartMs, windowEndMs, windows, task, cost };
      expect(record.privacySpent).toEqual({ [publisher]: [spent] });
      const { mechanism, epsilon, delta, budget } = charge;
      expect(record.receipts[0]?.privacy).toEqual({ mechanism, epsilon, delta, budget, spent: 1 });
      const [, wanted] = at(2);
      const [next] = reserve(record, at(2)[0], REGISTRAR, wanted, entry());
      expect(next.receipts[1]?.privacy).toMatchObject({ spent: 2 });
    });

    it('cannot be spent twice for one window, however often a host asks', () => {
      const [before] = reserve(emptyRecord(), reservation(), REGISTRAR, charge, entry());
      const [after, outcome] = reserve(before, reservation(), REGISTRAR, charge, entry());
      expect(outcome).toBe('conflict');
      expect(after).toBe(before);
    });

    it('changes nothing once the budget is spent, by a twin task neither', () => {
      let record = emptyRecord();
      for (const index of [1, 2]) {
        const [wanted, cost] = at(index);
        [record] = reserve(record, wanted, REGISTRAR, cost, entry());
      }
      const [wanted, cost] = at(3);
      const twin = { ...wanted, metrics: ['other'] };
      for (const each of [wanted, twin]) {
        const [after, outcome] = reserve(record, each, REGISTRAR, cost, entry());
        expect(outcome).toBe('budget-spent');
        expect(after).toBe(record);
      }
      const stranger = { ...wanted, publisher: new Uint8Array(32).fill(7) };
      expect(reserve(record, stranger, REGISTRAR, cost, entry())[1]).toBe('reserved');
    });
  });

  it('removes receipts that are kept no longer, and no others', () => {
    const kept = (round: string, keepUntilMs: number) => ({ ...entry(round), keepUntilMs });
    let record = emptyRecord();
    const add = (index: number, sent: SentEntry) => {
      const times = { windowStartMs: index * 1000, windowEndMs: (index + 1) * 1000 };
      [record] = reserve(record, reservation(times), REGISTRAR, undefined, sent);
    };
    add(1, kept('short', 5000));
    add(2, kept('long', 9000));
    add(3, { ...kept('at the edge', 9000), sentAtMs: 4999 });
    expect(record.receipts.map(({ round }) => round)).toEqual(['short', 'long', 'at the edge']);
    add(4, { ...kept('after', 9000), sentAtMs: 5000 });
    expect(record.receipts.map(({ round }) => round)).toEqual(['long', 'at the edge', 'after']);
    expect(record.receiptsCut).toBe(0);
  });

  it('never lets two intervals of a metric overlap, in any order of tasks and windows', () => {
    const attempt = fc.record({
      metrics: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'valueOf'), { minLength: 1 }),
      windowStartMs: fc.integer({ min: 0, max: 50 }),
      lengthMs: fc.integer({ min: 1, max: 10 }),
      incarnation: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 30 }), (attempts) => {
        let record = emptyRecord();
        const contributed = new Map<string, [number, number][]>();
        let highest = 0;
        for (const { metrics, windowStartMs, lengthMs, incarnation } of attempts) {
          const windowEndMs = windowStartMs + lengthMs;
          const wanted = reservation({ metrics, windowStartMs, windowEndMs, incarnation });
          const [next, outcome] = reserve(record, wanted, REGISTRAR, undefined, entry());
          record = next;
          if (outcome === 'conflict') continue;
          expect(incarnation).toBeGreaterThanOrEqual(highest);
          highest = incarnation;
          for (const metric of metrics) {
            const before = contributed.get(metric) ?? [];
            for (const [, endMs] of before) expect(windowStartMs).toBeGreaterThanOrEqual(endMs);
            contributed.set(metric, [...before, [windowStartMs, windowEndMs]]);
          }
        }
      }),
    );
  });

  it('says from when a task is free: the latest end over its metrics', () => {
    const metrics = [{ name: 'a' }, { name: 'c' }];
    const manifest = { publisher, metrics } as unknown as Manifest;
    expect(freeFromMs(emptyRecord(), manifest)).toBe(0);
    const [record] = reserve(emptyRecord(), reservation(), REGISTRAR, undefined, entry());
    expect(freeFromMs(record, manifest)).toBe(2000);
    const other = { publisher, metrics: [{ name: 'constructor' }] } as unknown as Manifest;
    expect(freeFromMs(record, other)).toBe(0);
  });
});
