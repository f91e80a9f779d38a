import { describe, expect, it } from 'vitest';
import { devicesAtFault } from './blame.js';

describe('devices at fault for shares that do not fit', () => {
  it('are nobody while one of either end could have been corrupted', () => {
    expect(devicesAtFault([], 1)).toEqual([]);
    expect(devicesAtFault([{ dealer: 4, holder: 2 }], 1)).toEqual([]);
  });

  it('are those with more than t₁ neighbours that they do not fit with', () => {
    const asHolder = [9, 1, 5].map((dealer) => ({ dealer, holder: 2 }));
    expect(devicesAtFault(asHolder, 2)).toEqual([2]);
    expect(devicesAtFault(asHolder, 3)).toEqual([]);
    const asDealer = [9, 1, 5].map((holder) => ({ dealer: 2, holder }));
    expect(devicesAtFault(asDealer, 2)).toEqual([2]);
  });

  it('are not those who met one neighbour in both roles', () => {
    const both = [
      { dealer: 3, holder: 7 },
      { dealer: 7, holder: 3 },
    ];
    expect(devicesAtFault(both, 1)).toEqual([]);
    expect(devicesAtFault([...both, { dealer: 3, holder: 8 }], 1)).toEqual([3]);
  });

  it('come in order of their places', () => {
    const pairs = [11, 2].flatMap((holder) => [20, 21].map((dealer) => ({ dealer, holder })));
    expect(devicesAtFault(pairs, 1)).toEqual([2, 11, 20, 21]);
  });
});
