/** What the demo is asked to do, checked before anything is started. */
import { invalidField, UsageError } from '@onlysum/crypto';
import { FEWEST_DEVICES, MOST_DEVICES } from './assumptions.js';

export interface DemoOptions {
  /** How many real clients take part, 4 to 5,000. */
  readonly devices: number;
  /** Print one JSON object on `out` and nothing else; otherwise tables. */
  readonly json: boolean;
  /** Where `devices.json` and `result.json` go, for a check by a program of one's own. */
  readonly dumpDir?: string | undefined;
  /**
   * Positive control: falsify one survivor's check value in this lane (in the dump too), so that the
   * demo must fail.
   */
  readonly corruptLane?: number | undefined;
  /** Absolute path of the `onlysum` command, which starts registrar and coordinator. */
  readonly cliPath: string;
  readonly out: NodeJS.WritableStream;
  /** Progress and complaints. */
  readonly err: NodeJS.WritableStream;
}

/** @throws {UsageError} `argument-invalid`. */
export function checkDevices(devices: number): void {
  if (Number.isInteger(devices) && devices < FEWEST_DEVICES) {
    throw new UsageError(
      'argument-invalid',
      `devices: expected at least ${FEWEST_DEVICES}, got ${devices}: with fewer the threshold leaves no ` +
        'device that may drop, and the demo drops at least one',
      { field: 'devices', expected: `at least ${FEWEST_DEVICES}`, got: String(devices) },
    );
  }
  if (!Number.isInteger(devices) || devices > MOST_DEVICES) {
    const expected = `an integer from ${FEWEST_DEVICES} to ${MOST_DEVICES}`;
    throw invalidField(UsageError, 'argument-invalid', 'devices', expected, devices);
  }
}

/** @throws {UsageError} `argument-invalid`. */
export function checkCorruptLane(lane: number | undefined, lanes: number): void {
  if (lane === undefined || (Number.isInteger(lane) && lane >= 0 && lane < lanes)) return;
  const expected = `a lane of the vector, 0 to ${lanes - 1}`;
  throw invalidField(UsageError, 'argument-invalid', 'corruptLane', expected, lane);
}
