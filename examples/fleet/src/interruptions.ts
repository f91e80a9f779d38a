/**
 * Which devices lose their connection in the middle of the round and come back, and when.
 * Invariant: no device that is to drop is interrupted, and none is interrupted twice.
 */
import type { PlannedDrop } from './drops.js';
import { evenly } from './evenly.js';

/** In the order of the round. */
export type InterruptedMessage = 'AdvertiseKeys' | 'ShareKeys' | 'MaskedInput' | 'Unmasking';

export interface PlannedInterruption {
  readonly device: number;
  readonly message: InterruptedMessage;
  /** `before`: the message does not leave. `after`: it arrives, and its acknowledgement does not come back. */
  readonly when: 'before' | 'after';
}

const MOMENTS: readonly Omit<PlannedInterruption, 'device'>[] = [
  { message: 'MaskedInput', when: 'after' },
  { message: 'ShareKeys', when: 'before' },
  { message: 'MaskedInput', when: 'before' },
  { message: 'AdvertiseKeys', when: 'after' },
  { message: 'Unmasking', when: 'before' },
  { message: 'ShareKeys', when: 'after' },
  { message: 'Unmasking', when: 'after' },
];

/** About one in twenty, at least one. */
const INTERRUPTED_SHARE = 0.05;

/** Spreads the interruptions over the devices that stay, and over the moments of a round. */
export function planInterruptions(
  devices: number,
  drops: readonly PlannedDrop[],
): PlannedInterruption[] {
  const dropping = new Set(drops.map(({ device }) => device));
  const staying = Array.from({ length: devices }, (_, i) => i).filter((i) => !dropping.has(i));
  const count = Math.max(1, Math.round(staying.length * INTERRUPTED_SHARE));
  return evenly(count, staying.length).flatMap((at, i) => {
    const [device, moment] = [staying[at], MOMENTS[i % MOMENTS.length]];
    return device === undefined || moment === undefined ? [] : [{ device, ...moment }];
  });
}
