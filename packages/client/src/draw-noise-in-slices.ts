/**
 * A round's noise, drawn while the round goes on, in slices between which the host's event loop runs.
 * Knows: when to pause. Doesn't know: distributions, messages.
 */
import { type Rng, wipe } from '@onlysum/crypto';
import { drawNoise } from '@onlysum/metrics';
import type { Lane } from '@onlysum/task';
import { sleep } from './timers.js';

/** Of drawing at a time: half of what a frame of an animation takes. */
const SLICE_MS = 8;

export interface NoiseRequest {
  readonly lanes: readonly Lane[];
  /** How many devices add up to the whole noise. */
  readonly honest: number;
  readonly rng: Rng;
  readonly holdsProcess: boolean;
  /** Asked before each slice. */
  isWanted(): boolean;
}

/**
 * Begins after what runs now, so that a message that was just handed to the connection is not held up.
 *
 * @returns one number a lane, owned by the caller, who wipes it; undefined once it is not wanted.
 */
export async function drawNoiseInSlices(request: NoiseRequest): Promise<Int32Array | undefined> {
  const { lanes, honest, rng, holdsProcess } = request;
  const noise = new Int32Array(lanes.length);
  try {
    let at = 0;
    while (at < lanes.length) {
      await sleep(0, holdsProcess);
      if (!request.isWanted()) {
        wipe(noise);
        return undefined;
      }
      const untilMs = performance.now() + SLICE_MS;
      do {
        // One by one: a lane of very large noise takes a slice for itself.
        const drawn = drawNoise(lanes.slice(at, at + 1), honest, rng);
        noise.set(drawn, at++);
        wipe(drawn);
      } while (at < lanes.length && performance.now() < untilMs);
    }
    return noise;
  } catch (error) {
    wipe(noise);
    throw error;
  }
}
