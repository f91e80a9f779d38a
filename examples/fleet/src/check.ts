/**
 * The demo's point: the opened sum against the plain one, lane by lane.
 * Knows: who is in the attested set U3, by place; what the workers said out of band. Doesn't know: how
 * the sum was opened.
 * Invariant: a device counts if and only if the registrar attested its place in U3.
 */
import type { Layout } from '@onlysum/task';

/** What the workers said of one device. */
export interface DeviceRecord {
  readonly index: number;
  /** The plain vector, one number a lane. */
  lanes: readonly number[] | undefined;
  /** Its place in the attested roster. */
  place: number | undefined;
  /** Hex of the masked vector that left, if it did. */
  vector: string | undefined;
}

export interface LaneMismatch {
  readonly lane: number;
  readonly label: string;
  readonly opened: number;
  readonly expected: number;
}

/**
 * @param survivors - places in U3, as attested.
 * @returns the devices at these places, and what does not fit: a place without a device, or a device
 *   that sent nothing.
 */
export function includedDevices(
  records: readonly DeviceRecord[],
  survivors: readonly number[],
): { readonly devices: readonly DeviceRecord[]; readonly problems: readonly string[] } {
  const devices: DeviceRecord[] = [];
  const problems: string[] = [];
  for (const place of survivors) {
    const held = records.filter((record) => record.place === place);
    const [device] = held;
    if (device === undefined || held.length > 1) {
      problems.push(`place ${place} of the attested set is that of ${held.length} devices, not 1`);
      continue;
    }
    if (device.vector === undefined) {
      problems.push(`device ${device.index} is in the attested set, but sent no masked input`);
    }
    devices.push(device);
  }
  return { devices, problems };
}

/** @returns the lanes in which the opened sum is not the plain sum over `devices`; none is right. */
export function compareLanes(
  layout: Pick<Layout, 'lanes'>,
  opened: readonly number[],
  devices: readonly Pick<DeviceRecord, 'lanes'>[],
): LaneMismatch[] {
  return layout.lanes.flatMap(({ index, label }) => {
    const expected = devices.reduce((sum, { lanes }) => sum + (lanes?.[index] ?? Number.NaN), 0);
    const actual = opened[index] ?? Number.NaN;
    return actual === expected ? [] : [{ lane: index, label, opened: actual, expected }];
  });
}

/** The positive control: one more in this lane of one device's check value. */
export function falsify(device: DeviceRecord, lane: number): void {
  device.lanes = device.lanes?.map((value, index) => (index === lane ? value + 1 : value));
}
