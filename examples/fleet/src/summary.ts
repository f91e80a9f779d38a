/** The demo in numbers: what `--json` prints, and what the tables are made from. */
import type { OpenedResult } from './opened-result.js';
import type { DeviceReport } from './worker-messages.js';

export interface DemoSummary {
  readonly devices: number;
  readonly survivors: number;
  /** Devices outside U3, by the stage in which they were lost, and `total`. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Survivors that fell silent after their masked input. */
  readonly silentAfterMasked: number;
  /** Devices that took their place again after their connection had broken. */
  readonly resumed: number;
  /** Length of the vector. */
  readonly lanes: number;
  /** Lanes in which the opened sum is not the plain one. */
  readonly mismatchedLanes: number;
  /** WebSocket payload of a device that stayed to the end, on average. */
  readonly bytesUpPerDevice: number;
  readonly bytesDownPerDevice: number;
  /** CPU time of the workers from enrolment to receipt, divided by their devices. */
  readonly deviceCpuMs: number;
  /** CPU time of the coordinator's process from the first offer to the opened sum. */
  readonly coordinatorCpuMs: number;
  /** From the full cohort to the opened sum. */
  readonly roundMs: number;
}

export interface Measurements {
  readonly reports: readonly DeviceReport[];
  /** Of the workers that lived to the end. */
  readonly workerCpuMs: number;
  readonly workerDevices: number;
  readonly mismatchedLanes: number;
}

export function summarise(result: OpenedResult, measured: Measurements): DemoSummary {
  const stayed = measured.reports.filter(({ receipt }) => receipt !== undefined);
  return {
    devices: result.devices,
    survivors: result.survivors,
    dropped: dropsByStage(result),
    silentAfterMasked: result.silentAfterMasked,
    resumed: measured.reports.filter(({ resumes }) => resumes > 0).length,
    lanes: result.lanes.length,
    mismatchedLanes: measured.mismatchedLanes,
    bytesUpPerDevice: Math.round(mean(stayed.map(({ bytesUp }) => bytesUp))),
    bytesDownPerDevice: Math.round(mean(stayed.map(({ bytesDown }) => bytesDown))),
    deviceCpuMs: tenths(measured.workerCpuMs / measured.workerDevices),
    coordinatorCpuMs: tenths(result.cpuMs),
    roundMs: tenths(result.roundMs),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Both stages in which a device of the roster can miss U3 are named, also with none. */
function dropsByStage(result: OpenedResult): Record<string, number> {
  const counts: Record<string, number> = { 'share-keys': 0, 'masked-input': 0 };
  for (const { stage, count } of result.dropped) counts[stage] = (counts[stage] ?? 0) + count;
  return { ...counts, total: result.devices - result.survivors };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
