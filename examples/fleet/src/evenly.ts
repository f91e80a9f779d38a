/** @returns `count` distinct indices of a list of `length`, spread evenly. @param count - at most `length`. */
export function evenly(count: number, length: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * length) / count));
}
