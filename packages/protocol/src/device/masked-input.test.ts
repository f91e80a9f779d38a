/** The check of U2 and U3 by itself: on the complete graph no set that is large enough is too thin. */
import { PeerError } from '@onlysum/crypto';
import { describe, expect, test } from 'vitest';
import { checkPresent, neighboursIn } from './masked-input.js';
import type { Seat } from './types.js';

const OWN = 0;

/** A sparse graph that this version does not draw: n = 10, k = 5, t = 3. */
const seat: Seat = {
  facts: {
    taskId: new Uint8Array(32),
    window: 1,
    incarnation: 1,
    round: new Uint8Array(16),
    n: 10,
    k: 5,
    t: 3,
    seed: new Uint8Array(32),
    root: new Uint8Array(32),
  },
  parameters: {
    graph: 'complete',
    n: 10,
    k: 5,
    t: 3,
    mostCorruptNeighbours: 2,
    mostCorrupt: 2,
    mostDropped: 4,
    fewestPresent: 6,
  },
  index: OWN,
  neighbours: [1, 3, 5, 7, 9].map((index) => ({
    index,
    c: new Uint8Array(32),
    s: new Uint8Array(32),
  })),
  context: new Uint8Array(32),
  rosterSignature: new Uint8Array(64),
};

const refuses = (members: readonly number[], code: string) => {
  const check = () => checkPresent('U3', members, seat, 6);
  expect(check).toThrow(PeerError);
  expect(check).toThrow(expect.objectContaining({ code, message: expect.stringContaining('U3') }));
};

describe('a set', () => {
  test('with t neighbours of this device is thick enough', () => {
    expect(() => checkPresent('U3', [OWN, 1, 3, 5, 2, 4], seat, 6)).not.toThrow();
  });

  test('with one neighbour less is too thin, however large', () => {
    refuses([OWN, 1, 3, 2, 4, 6], 'set-too-thin');
    refuses([OWN, 1, 3, 2, 4, 6, 8], 'set-too-thin');
    refuses([OWN, 2, 4, 6, 8, 9], 'set-too-thin');
  });

  test('without this device is not its business to find thin', () => {
    expect(() => checkPresent('U3', [1, 2, 4, 6, 8, 9], seat, 6)).not.toThrow();
  });

  test('with fewer members than n − D is too small, whoever they are', () => {
    refuses([OWN, 1, 3, 5, 7], 'set-too-small');
    refuses([1, 3, 5, 7, 9], 'set-too-small');
    refuses([], 'set-too-small');
  });
});

test('neighbours in a set are positions in the leaf, ascending', () => {
  expect(neighboursIn(seat, [9, 0, 2, 3, 1])).toEqual([0, 1, 4]);
  expect(neighboursIn(seat, [0, 2, 4])).toEqual([]);
});
