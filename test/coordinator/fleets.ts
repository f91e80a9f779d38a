/** Fleets of a test file, closed after each of its tests. */
import { afterEach } from 'vitest';
import { type Fleet, type StartOptions, startFleet } from './wire-fleet.js';

/**
 * To be called once, at the top of a test file; hooks that come later run before fleets are closed.
 *
 * @returns starts a fleet.
 */
export function closedAfterEach(
  defaults?: StartOptions,
): (options?: StartOptions) => Promise<Fleet> {
  let open: Fleet[] = [];
  afterEach(async () => {
    await Promise.all(open.map(({ coordinator }) => coordinator.close({ graceMs: 0 })));
    open = [];
  });
  return async (options) => {
    const fleet = await startFleet({ ...defaults, ...options });
    open.push(fleet);
    return fleet;
  };
}
