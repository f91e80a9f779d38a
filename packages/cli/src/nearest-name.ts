/** Which known name a misspelt one was meant to be. Knows: spelling only. */

/** As many edits, per letter of what was written, still look like a slip. */
const MOST_EDITS_PER_LETTER = 0.4;

/** @returns undefined if none of `known` is near. */
export function nearestName(written: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(written.length * MOST_EDITS_PER_LETTER));
  const ranked = known
    .map((name) => ({ name, edits: edits(written.toLowerCase(), name.toLowerCase()) }))
    .filter((each) => each.edits <= most)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.name;
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that make `a` into `b`.
 *
 * @see Optimal string alignment, the restricted form of Damerau 1964.
 */
function edits(a: string, b: string): number {
  let [older, old]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(at(old, j) + 1, at(row, j - 1) + 1, at(old, j - 1) + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, at(older, j - 2) + 1);
      row.push(least);
    }
    [older, old] = [old, row];
  }
  return at(old, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
