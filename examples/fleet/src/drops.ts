/**
 * Which devices drop, where in the round, and how.
 * Invariant: no device drops twice, and with two drops or more one of them is a killed process.
 */
import { evenly } from './evenly.js';

/** In the order of the round. The last two leave a survivor that fell silent. */
export type DropPoint =
  | 'before-share-keys'
  | 'before-masked-input'
  | 'after-masked-input'
  | 'before-unmasking';

export interface PlannedDrop {
  readonly device: number;
  readonly point: DropPoint;
  /** Its socket is destroyed, or the process that it has to itself is killed. */
  readonly how: 'socket' | 'kill';
}

/** A single drop is the one that masks must be recovered for. */
const POINTS: readonly DropPoint[] = [
  'before-masked-input',
  'after-masked-input',
  'before-share-keys',
  'before-unmasking',
];

/** Spreads `drops` drops evenly over the devices and over the four points. */
export function planDrops(devices: number, drops: number): PlannedDrop[] {
  return evenly(drops, devices).map((device, i) => ({
    device,
    point: POINTS[i % POINTS.length] ?? 'before-masked-input',
    how: i === 0 && drops > 1 ? 'kill' : 'socket',
  }));
}
