import type { OpenJob } from '@onlysum/protocol';
import { expect, test } from 'vitest';
import { partCount } from './part-count.js';

const none = new Uint8Array(32);
const empty: OpenJob = {
  lanes: [],
  sum: new Uint32Array(),
  context: none,
  context2: none,
  threshold: 3,
  selfSeeds: [],
  pairs: [],
  silent: [],
  dropped: [],
};
const share = { x: 1, share: none };
const end = { index: 0, s: none };
const repeat = <T>(count: number, entry: T): T[] => Array.from({ length: count }, () => entry);
const lane = {
  metric: 'm',
  group: 'g',
  role: 'value',
  label: 'l',
  bound: 1,
  noise: undefined,
  tail: 0,
} as const;

test('a small job stays whole', () => {
  expect(partCount(empty, 8)).toBe(1);
  const selfSeeds = repeat(100, { index: 0, b: none });
  const pairs = repeat(400, { survivor: 0, dropped: 1, p: none });
  expect(partCount({ ...empty, selfSeeds, pairs }, 8)).toBe(1);
});

test('whatever makes a job large, it occupies every thread', () => {
  const selfSeeds = repeat(900, { index: 0, b: none });
  const lanes = repeat(100_000, { ...lane, index: 0, width: 26 });
  const large: Partial<OpenJob>[] = [
    { selfSeeds, lanes },
    { pairs: repeat(20_000, { survivor: 0, dropped: 1, p: none }) },
    { silent: repeat(2_000, { index: 0, commitment: none, shares: repeat(40, share) }) },
    { dropped: repeat(50, { end, shares: repeat(40, share), partners: repeat(40, end) }) },
  ];
  for (const lists of large) {
    expect(partCount({ ...empty, ...lists }, 1)).toBe(1);
    expect(partCount({ ...empty, ...lists }, 8)).toBe(8);
  }
});
