import { InternalError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { describe, expect, test } from 'vitest';
import { MemoryLedger } from './ledger.js';
import { records, revokedPseudonyms } from './records.js';
import { newIncarnation, presentIncarnation } from './window.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe('the ledger in memory', () => {
  test('reads what was put last, and nothing else', () => {
    const ledger = new MemoryLedger();
    expect(ledger.read('a')).toBeUndefined();
    ledger.put('a', { value: 1 });
    ledger.put('a', { value: 2 });
    ledger.put('b', null);
    expect([ledger.read('a'), ledger.read('b'), ledger.read('c')]).toEqual([
      { value: 2 },
      null,
      undefined,
    ]);
  });

  test('lists the keys of a prefix, ascending', () => {
    const ledger = new MemoryLedger();
    for (const key of ['x/b', 'x/a', 'xa', 'y/c', 'x/', 'x']) ledger.put(key, true);
    expect([...ledger.keys('x/')]).toEqual(['x/', 'x/a', 'x/b']);
    expect([...ledger.keys('z')]).toEqual([]);
  });
});

describe('records', () => {
  const counter = { value: 3 };
  const set = { members: bytes(1, 1), signature: bytes(64, 1) };

  test('of every kind and every id have a key of their own', () => {
    const ledger = new MemoryLedger();
    const [one, two] = [bytes(32, 1), bytes(32, 2)];
    const puts: (() => void)[] = [
      () => records.incarnation.put(ledger, { incarnation: 1 }),
      () => records.sequence.put(ledger, counter),
      ...[one, two].flatMap((id) => [
        () => records.code.put(ledger, { expiresMs: 1, pseudonym: id }, id),
        () => records.sharedSet.put(ledger, set, id),
        () => records.survivorSet.put(ledger, set, id),
      ]),
      ...['aa', 'bb'].flatMap((id) => [
        () => records.lineage.put(ledger, { revoked: false, pseudonyms: [] }, id),
        () => records.revoked.put(ledger, counter, id),
      ]),
      ...[
        [1, 11],
        [11, 1],
        [1, 1],
      ].map(
        ([length = 0, epoch = 0]) =>
          () =>
            records.enrolled.put(ledger, counter, length, epoch),
      ),
      ...[one, two].flatMap((task) =>
        [3, 4].flatMap((window) => [
          () =>
            records.participation.put(
              ledger,
              { attempts: 1, round: 'aa', included: false },
              task,
              window,
              one,
            ),
          () =>
            records.participation.put(
              ledger,
              { attempts: 1, round: 'aa', included: false },
              task,
              window,
              two,
            ),
        ]),
      ),
    ];
    for (const put of puts) put();
    expect([...ledger.keys('')]).toHaveLength(puts.length);
  });

  test('are found under their own id only', () => {
    const ledger = new MemoryLedger();
    const round = bytes(16, 1);
    expect(records.sharedSet.find(ledger, round)).toBeUndefined();
    records.sharedSet.put(ledger, set, round);
    expect(records.sharedSet.find(ledger, round)).toEqual(set);
    expect(records.sharedSet.find(ledger, '01'.repeat(16))).toEqual(set);
    expect(records.survivorSet.find(ledger, round)).toBeUndefined();
    expect(records.sharedSet.find(ledger, bytes(16, 2))).toBeUndefined();
    expect(() => records.sharedSet.expect(ledger, bytes(16, 2))).toThrow(InternalError);
  });

  test('of revocations are listed by pseudonym', () => {
    const ledger = new MemoryLedger();
    for (const hex of ['bb', 'aa']) records.revoked.put(ledger, counter, hex);
    records.lineage.put(ledger, { revoked: true, pseudonyms: ['cc'] }, 'cc');
    expect(revokedPseudonyms(ledger)).toEqual(['aa', 'bb']);
  });
});

describe('incarnations', () => {
  const context = (nowMs: number) => ({ suite: nativeSuite, rng: bytes.bind(null, 32), nowMs });

  test('do not exist before the first', () => {
    expect(() => presentIncarnation(new MemoryLedger())).toThrow(
      expect.objectContaining({ code: 'registrar-not-ready' }),
    );
  });

  test('grow with the clock, and without it', () => {
    const ledger = new MemoryLedger();
    expect([5000, 9000, 9000, 10].map((nowMs) => newIncarnation(ledger, context(nowMs)))).toEqual([
      5000, 9000, 9001, 9002,
    ]);
    expect(presentIncarnation(ledger)).toBe(9002);
  });

  test('grow even where a restore forgot the last ones', () => {
    const restored = new MemoryLedger();
    newIncarnation(restored, context(5000));
    const lost = [6000, 7000].map((nowMs) => {
      const ledger = new MemoryLedger();
      newIncarnation(ledger, context(5000));
      return newIncarnation(ledger, context(nowMs));
    });
    expect(newIncarnation(restored, context(8000))).toBeGreaterThan(Math.max(...lost));
  });
});
