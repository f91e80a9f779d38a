/**
 * Randomness as part of a state: what is drawn depends on who draws and how many draws went before, so
 * that two orders of events that lead to the same state are seen to.
 */
import { type Rng, unsafeSeededRng } from '@onlysum/crypto';

export class CountedRng {
  constructor(
    private readonly seed: string,
    public draws: number,
  ) {}

  readonly rng: Rng = (length) => unsafeSeededRng(`${this.seed}/${this.draws++}`)(length);
}
