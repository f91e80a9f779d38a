/**
 * More windows than a device's privacy budget bears, so that their noise averages out: here 1 of ε in any
 * ten windows, of which each costs all.
 */
import { pureCost } from '@onlysum/task';
import { type Attack, type Outcome, Stopped } from './attack.js';
import { sentEntry } from './durable-record.js';
import type { Build } from './weakened-build.js';

const designRow =
  'more windows than the privacy budget bears: by a twin task, by a clock that is set back';
const WINDOW_MS = 8_640_000;

/** Reserves each of the windows for a task, as a client does. */
function contribute(build: Build, windows: readonly (readonly [task: string, index: number])[]) {
  let record = build.clientSide.emptyRecord();
  for (const [task, index] of windows) {
    const times = { windowStartMs: index * WINDOW_MS, windowEndMs: (index + 1) * WINDOW_MS };
    const reservation = {
      publisher: new Uint8Array(32).fill(1),
      // Not those of the other task: these the record would refuse by themselves.
      metrics: [task],
      ...times,
      incarnation: 1,
      round: new Uint8Array(16).fill(index),
    };
    const charge = {
      ...times,
      windows: 1,
      task,
      cost: pureCost(1),
      lengthMs: WINDOW_MS,
      mechanism: 'discrete-laplace',
      epsilon: 1,
      delta: 0,
      budget: { epsilon: 1, delta: 0, days: 1 },
    } as const;
    const entry = sentEntry(build, reservation);
    const change = build.reserve(record, reservation, '00'.repeat(32), charge, entry);
    if (change[1] !== 'reserved') throw new Stopped(change[1], `window ${index} of ${task}`);
    record = change[0];
  }
}

function spendTwice(build: Build, windows: Parameters<typeof contribute>[1]): Outcome {
  contribute(build, windows);
  return { succeeded: true, detail: 'two windows within a day that was to bear one' };
}

export const spentBudget: Attack[] = [
  {
    name: 'a twin task that spends the budget once more',
    designRow,
    stoppedBy: 'all tasks of a publisher are charged to one account',
    refusal: 'budget-spent',
    weaken: {
      file: 'client/src/reservation.ts',
      find: 'const spentBefore = own(record.privacySpent, publisher) ?? [];',
      replace: `const all = own(record.privacySpent, publisher) ?? [];
  const spentBefore = all.filter(({ task }) => task === charge?.task);`,
    },
    run: (build) =>
      spendTwice(build, [
        ['first', 100],
        ['twin', 100],
      ]),
  },
  {
    name: 'a clock that is set back to a budget that was whole',
    designRow,
    stoppedBy: 'windows that ended later count as well',
    refusal: 'budget-spent',
    weaken: {
      file: 'client/src/privacy-budget.ts',
      find: 'entry.windowEndMs > windowEndMs - budget.days * DAY_MS',
      replace: `entry.windowEndMs <= windowEndMs &&
    entry.windowEndMs > windowEndMs - budget.days * DAY_MS`,
    },
    run: (build) =>
      spendTwice(build, [
        ['first', 109],
        ['twin', 101],
      ]),
  },
];
