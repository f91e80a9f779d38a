/**
 * Random bits and uniform integers, from bytes that are fetched some at a time.
 * Knows: bits. Doesn't know: distributions.
 * Invariant: no byte serves twice, and what was fetched is wiped.
 */
import { InternalError, invalidField, type Rng, UsageError, wipe } from '@onlysum/crypto';

/** Enough that few draws cost a call, little enough that what is left over costs nothing. */
const CHUNK_BYTES = 256;
/** The bits that are kept, and 8 more, must fit a double. */
const MAX_BITS = 40;
/** No trial fails with more than 63/64, so that many in a row do with a probability below 2^-200. */
const MAX_TRIALS = 10_000;

/** 2^count at count: exact, and quicker than a power. */
const POWERS = /* @__PURE__ */ Float64Array.from({ length: 48 }, (_, count) => 2 ** count);

/** A source of bits for one caller, who calls {@link RandomBits.wipe} when done. */
export class RandomBits {
  readonly #rng: Rng;
  #chunk: Uint8Array = new Uint8Array(0);
  #taken = 0;
  /** Bits that were fetched with others, `#held` < 2^`#heldBits`. */
  #held = 0;
  #heldBits = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** A uniform integer below 2^count. @param count - 0…40. */
  bits(count: number): number {
    if (!(Number.isInteger(count) && count >= 0 && count <= MAX_BITS)) {
      throw invalidField(UsageError, 'argument-invalid', 'count', `0 to ${MAX_BITS} bits`, count);
    }
    for (; this.#heldBits < count; this.#heldBits += 8) {
      this.#held += this.#byte() * POWERS[this.#heldBits]!;
    }
    const above = Math.floor(this.#held / POWERS[count]!);
    const drawn = this.#held - above * POWERS[count]!;
    this.#held = above;
    this.#heldBits -= count;
    return drawn;
  }

  /** A uniform integer below 2^count, of any length. */
  bigBits(count: number): bigint {
    let drawn = 0n;
    for (let left = count; left > 0; left -= 32) {
      const part = Math.min(left, 32);
      drawn = (drawn << BigInt(part)) | BigInt(this.bits(part));
    }
    return drawn;
  }

  /** A uniform integer below `bound`: as many bits as it has, until they are below it. @param bound - 1…2^40. */
  below(bound: number): number {
    const count = bitLength(bound - 1);
    return untilAccepted(() => {
      const drawn = this.bits(count);
      return drawn < bound ? drawn : undefined;
    });
  }

  /** How many fair bits are 1 before the first that is 0: i with probability 2^-(i+1). */
  geometric(): number {
    let ones = 0;
    return untilAccepted(() => {
      if (this.bits(1) === 0) return ones;
      ones += 1;
      return undefined;
    });
  }

  wipe(): void {
    wipe(this.#chunk);
    this.#taken = this.#chunk.length;
    this.#held = 0;
    this.#heldBits = 0;
  }

  #byte(): number {
    if (this.#taken === this.#chunk.length) {
      wipe(this.#chunk);
      this.#chunk = this.#rng(CHUNK_BYTES);
      this.#taken = 0;
    }
    return this.#chunk[this.#taken++]!;
  }
}

/**
 * Tries until a trial gives a number.
 *
 * @throws {InternalError} `internal` after 10,000 trials: then it is the source that is not random.
 */
export function untilAccepted(trial: () => number | undefined): number {
  for (let i = 0; i < MAX_TRIALS; i++) {
    const drawn = trial();
    if (drawn !== undefined) return drawn;
  }
  throw new InternalError(
    'internal',
    `noise: no sample accepted in ${MAX_TRIALS} trials: the random generator repeats itself`,
  );
}

function bitLength(value: number): number {
  return value === 0 ? 0 : value.toString(2).length;
}
