/**
 * A set of worlds by 64-bit fingerprints, eight bytes each: ten million worlds take 256 MB.
 * Two different worlds share a fingerprint with a chance of count² / 2^65: below 10^-5 for ten million.
 */
export class VisitedSet {
  size = 0;
  #slots = new Uint32Array(2 << 16);

  /** @returns whether it was not there before. */
  add(world: Int32Array): boolean {
    if (this.size * 4 > this.#slots.length) this.#grow();
    const [high, low] = fingerprint(world);
    if (!put(this.#slots, high, low)) return false;
    this.size++;
    return true;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#slots.length);
    for (let i = 0; i < this.#slots.length; i += 2) {
      const high = this.#slots[i] ?? 0;
      if (high !== 0) put(larger, high, this.#slots[i + 1] ?? 0);
    }
    this.#slots = larger;
  }
}

/** Two mixes with different multipliers; the first is never 0, which marks a free slot. */
export function fingerprint(world: Int32Array): [number, number] {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (const value of world) {
    a = Math.imul(a ^ value, 0x85ebca77);
    a ^= a >>> 15;
    b = Math.imul(b ^ value, 0xc2b2ae3d);
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d);
  b = Math.imul(b ^ (b >>> 16), 0x846ca68b);
  return [(a ^ (a >>> 15)) >>> 0 || 1, (b ^ (b >>> 16)) >>> 0];
}

function put(slots: Uint32Array, high: number, low: number): boolean {
  const mask = slots.length / 2 - 1;
  for (let slot = (high ^ low) & mask; ; slot = (slot + 1) & mask) {
    const there = slots[2 * slot];
    if (there === 0) {
      slots[2 * slot] = high;
      slots[2 * slot + 1] = low;
      return true;
    }
    if (there === high && slots[2 * slot + 1] === low) return false;
  }
}
