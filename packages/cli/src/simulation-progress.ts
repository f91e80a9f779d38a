/** Says on standard error how a long simulation gets on. A short one says nothing. */
import type { StageProgress } from '@onlysum/simulator';
import { note } from './output.js';
import type { Terminal } from './terminal.js';

/** As long without a word is fine. */
const QUIET_MS = 2000;

/**
 * @param devices - how many there are.
 * @param clock - milliseconds, monotonic.
 * @returns to be told of every piece of work; a line comes at most every two seconds.
 */
export function simulationProgress(
  terminal: Terminal,
  devices: number,
  clock: () => number,
): (progress: StageProgress) => void {
  let saidAtMs = clock();
  let said = '';
  return ({ stage, devices: done }) => {
    const nowMs = clock();
    if (nowMs - saidAtMs < QUIET_MS) return;
    const line = `${stage}: ${done} of ${devices} devices`;
    saidAtMs = nowMs;
    if (line === said) return;
    said = line;
    note(terminal, line);
  };
}
