/** Where the randomness of a simulated device comes from, so that it can be played again alone. */
import { type Rng, unsafeSeededRng } from '@onlysum/crypto';

/**
 * @param seed - of the simulation.
 * @param device - its number.
 * @returns the seed of its pseudonym, and all randomness that it uses after it.
 */
export function deviceRandomness(
  seed: string,
  device: number,
): [pseudonymSeed: Uint8Array, rng: Rng] {
  const rng = unsafeSeededRng(`${seed}/device/${device}`);
  return [rng(32), rng];
}
