/**
 * §5.7: whom shares that did not fit can be pinned on.
 * Knows: pairs of dealer and holder. Doesn't know: pseudonyms, what was in a share.
 * Invariant: while no device has more than t₁ corrupted neighbours, no honest device is at fault.
 */
import type { InconsistentShare } from './open-part.js';

/**
 * One wrong share cannot be pinned on its dealer or on its holder: either could have made it. But one of
 * the two did, so whoever is in such pairs with more than t₁ neighbours is not honest.
 *
 * @param mostCorruptNeighbours - t₁ of the round's graph.
 * @returns roster indices, ascending.
 */
export function devicesAtFault(
  inconsistent: readonly InconsistentShare[],
  mostCorruptNeighbours: number,
): number[] {
  const others = new Map<number, Set<number>>();
  const note = (index: number, other: number): void => {
    others.set(index, (others.get(index) ?? new Set()).add(other));
  };
  for (const { dealer, holder } of inconsistent) {
    note(dealer, holder);
    note(holder, dealer);
  }
  return [...others]
    .filter(([, met]) => met.size > mostCorruptNeighbours)
    .map(([index]) => index)
    .sort((a, b) => a - b);
}
