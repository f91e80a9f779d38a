import { nativeSuite } from '@onlysum/crypto/node';
import { COMPLETE_MAX, rosterParameters } from '@onlysum/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DROP_STAGES, type FleetOptions, planFleet } from './fleet-plan.js';
import { simulateFleet } from './fleet-simulation.js';

const small: FleetOptions = {
  seed: 'test',
  suite: nativeSuite,
  devices: 12,
  lanes: 5,
  corrupt: 10,
  dropout: 250,
  dropAt: 'spread',
  graph: undefined,
  unmasking: 'direct',
};
/** Each reading is one later: every piece of work takes 1. */
const ticks = () => {
  let now = 0;
  return () => now++;
};
const simulate = (changes: Partial<FleetOptions> = {}) =>
  simulateFleet({ ...small, ...changes }, ticks());

describe('a simulated fleet', () => {
  it('opens the plain sum whoever drops, and says who did', () => {
    const { isExact, survivors, dropped, lanes } = simulate();
    expect({ isExact, survivors, dropped, lanes }).toEqual({
      isExact: true,
      survivors: 10,
      dropped: { 'share-keys': 1, 'masked-input': 1, unmasking: 1, recovery: 0 },
      lanes: 5,
    });
    for (const dropAt of DROP_STAGES) {
      const report = simulate({ dropAt });
      const none = { 'share-keys': 0, 'masked-input': 0, unmasking: 0, recovery: 0 };
      expect(report.dropped).toEqual({ ...none, [dropAt]: 3 });
      expect(report.survivors).toBe(dropAt === 'unmasking' ? 12 : 9);
      expect(report.isExact).toBe(true);
      expect(report.stages.some(({ stage }) => stage === 'recovering')).toBe(
        dropAt === 'unmasking',
      );
    }
    expect(simulate({ unmasking: 'shares', dropout: 0 })).toMatchObject({ isExact: true });
  });

  it('notices one bit changed in one masked input', () => {
    for (const tamperedLane of [0, 3, 4]) {
      expect(simulate({ tamperedLane }).isExact).toBe(false);
    }
  });

  it('carries the same bytes for the same options, others under another seed', () => {
    const [one, again, other] = [simulate(), simulate(), simulate({ seed: 'other' })];
    expect(again).toEqual(one);
    expect(other.transcript).not.toBe(one.transcript);
    expect(simulate({ tamperedLane: 0 }).transcript).not.toBe(one.transcript);
  });

  it('fails with the reason where the round aborts', () => {
    // With every device corrupt no sum holds an honest one, and each device refuses the roster.
    expect(() => simulate({ devices: 16, corrupt: 999, dropout: 0 })).toThrow(
      expect.objectContaining({
        code: 'simulation-failed',
        message: expect.stringMatching(/^the round did not open: too-many-dropped: /),
      }),
    );
  });
});

describe('what a round costs', () => {
  const { stages, round, vectorBytes } = simulate();
  const stageOf = (name: string) => stages.find(({ stage }) => stage === name);

  it('is told by the stages of the coordinator, in their order, without enrolment', () => {
    expect(stages.map(({ stage }) => stage)).toEqual([
      'gathering',
      'attesting-roster',
      'sharing',
      'attesting-shared-set',
      'masking',
      'attesting-survivor-set',
      'unmasking',
      'recovering',
      'opening',
      'keeping',
      'finished',
    ]);
  });

  it('adds up to that of the round', () => {
    const total = (of: (cost: (typeof stages)[number]) => number) =>
      stages.reduce((sum, cost) => sum + of(cost), 0);
    expect(round).toMatchObject({
      devices: 12,
      coordinatorMs: total((cost) => cost.coordinatorMs),
      registrarMs: total((cost) => cost.registrarMs),
    });
    for (const name of ['deviceMs', 'bytesUp', 'bytesDown'] as const) {
      expect(round[name].total).toBe(total((cost) => cost[name].total));
    }
  });

  it('counts work where it begins and messages where they are sent', () => {
    // Enrolment and its certificates aside, the registrar answers four requests.
    expect(round.registrarMs).toBe(4);
    expect(stageOf('opening')).toMatchObject({ devices: 0, bytesUp: { total: 0 } });
    expect(stageOf('opening')?.coordinatorMs).toBeGreaterThanOrEqual(1);
    // Nobody who dropped while sharing is in the masking stage.
    expect(stageOf('sharing')?.devices).toBe(12);
    expect(stageOf('masking')?.devices).toBe(11);
    const up = stageOf('masking')?.bytesUp;
    expect(up?.median).toBeGreaterThan(vectorBytes + 32);
    expect(up?.median).toBeLessThan(vectorBytes + 140);
    expect(up?.total).toBe(10 * (up?.median ?? 0));
  });
});

describe('the graph', () => {
  const large = { ...small, devices: 100, dropout: 50, lanes: 1 };

  it('is that of the rule, or the one that is asked for', () => {
    const natural = planFleet(large);
    expect(natural.parameters.graph).toBe('tables');
    expect(natural.assumptions).toEqual({ corrupt: 10, dropout: 50 });
    expect(planFleet({ ...large, graph: 'tables' }).parameters).toBe(natural.parameters);
    const forced = planFleet({ ...large, graph: 'complete' });
    expect(forced.parameters).toMatchObject({ graph: 'complete', k: 99, t: 50 });
    // By the manifest, which every party has: no party is told a graph.
    expect(forced.round.synthetic.task.manifest.assumptions).toMatchObject(forced.assumptions);
    expect(forced.round.kills).toEqual(natural.round.kills);
    expect(forced.round.kills).toHaveLength(5);
  });

  it('runs on the complete graph where it is forced', () => {
    const report = simulateFleet({ ...large, devices: 72, graph: 'complete' }, ticks());
    expect(report).toMatchObject({ graph: 'complete', k: 71, t: 36, isExact: true });
    expect(rosterParameters(72, { corrupt: 10, dropout: 50 }).graph).toBe('tables');
  });

  it('can be complete for any fleet that can have tables, up to what devices bear', () => {
    let forced = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: COMPLETE_MAX }),
        fc.integer({ min: 0, max: 700 }),
        fc.integer({ min: 0, max: 400 }),
        (devices, corrupt, dropout) => {
          const options = { ...small, devices, corrupt, dropout, lanes: 1 };
          fc.pre(corrupt + dropout < 1000 && graphOf(devices, corrupt, dropout) === 'tables');
          forced++;
          const { parameters, assumptions } = planFleet({ ...options, graph: 'complete' });
          expect(parameters.graph).toBe('complete');
          expect(assumptions.corrupt).toBe(corrupt);
          expect(assumptions.dropout).toBeGreaterThanOrEqual(dropout);
        },
      ),
      { seed: 71, numRuns: 60 },
    );
    expect(forced).toBeGreaterThan(20);
  });

  it.each<[string, Partial<FleetOptions>, RegExp]>([
    ['tables', { devices: 12, graph: 'tables' }, /--graph: .*no k from 4 to n\/4 = 3 gives safe/],
    ['complete', { devices: COMPLETE_MAX + 1, dropout: 50, graph: 'complete' }, /more than 1000/],
    ['any', { devices: 12, dropout: 900 }, /--devices: .*threshold 6 exceeds/],
  ])('is refused with the reason where %s cannot be', (_, changes, message) => {
    expect(() => planFleet({ ...small, lanes: 1, ...changes })).toThrow(
      expect.objectContaining({ code: 'flag-invalid', message: expect.stringMatching(message) }),
    );
  });
});

function graphOf(n: number, corrupt: number, dropout: number): string {
  try {
    return rosterParameters(n, { corrupt, dropout }).graph;
  } catch {
    return 'none';
  }
}
