import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Schedule } from './schedule.js';

it('runs what is due by time, then by insertion, also what is put in on the way', () => {
  const plans = fc.array(fc.record({ inMs: fc.nat(20), thenInMs: fc.option(fc.nat(20)) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(plans, (plan) => {
      const schedule = new Schedule(1000);
      const ran: { atMs: number; order: number }[] = [];
      let inserted = 0;
      const put = (inMs: number, thenInMs: number | null): void => {
        const [atMs, order] = [schedule.nowMs + inMs, inserted++];
        schedule.in(inMs, () => {
          expect(schedule.nowMs).toBe(atMs);
          ran.push({ atMs, order });
          if (thenInMs !== null) put(thenInMs, null);
        });
      };
      for (const { inMs, thenInMs } of plan) put(inMs, thenInMs);
      schedule.run(1000);
      expect(ran).toHaveLength(inserted);
      expect(ran).toEqual(ran.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order));
    }),
    { seed: 72 },
  );
});

it('stops a simulation that does not end', () => {
  const schedule = new Schedule(0);
  const again = (): void => schedule.in(1, again);
  again();
  expect(() => schedule.run(100)).toThrow(/more than 100 steps/);
});
