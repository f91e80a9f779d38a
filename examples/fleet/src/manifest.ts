/**
 * The task that the fleet answers: what is asked, of how many, in which window.
 * Knows: the manifest's form. Doesn't know: processes, values.
 */
import type { Manifest, Metric } from '@onlysum/task';
import { fleetAssumptions } from './assumptions.js';

/** Group of the metrics that a device may decline. */
export const OPTIONAL_GROUP = 'performance';

export interface FleetTask {
  readonly devices: number;
  /** Ed25519 public keys, hex. */
  readonly keys: {
    readonly publisher: string;
    readonly registrar: string;
    readonly coordinator: string;
  };
  readonly coordinatorUrl: string;
  /** The versions to count by name; all else is `other`. */
  readonly versions: readonly string[];
  readonly nowMs: number;
}

export function fleetManifest(task: FleetTask): Manifest {
  const { devices, keys, nowMs } = task;
  const assumptions = fleetAssumptions(devices);
  const lengthMs = windowLengthMs(nowMs);
  const epochLengthMs = WINDOWS_PER_EPOCH * lengthMs;
  const startMs = nowMs - (nowMs % lengthMs);
  return {
    onlysum: 1,
    suite: 1,
    name: 'fleet-demo',
    version: 1,
    publisher: keys.publisher,
    registrar: keys.registrar,
    coordinator: { key: keys.coordinator, url: task.coordinatorUrl },
    window: { lengthMs },
    epoch: { lengthMs: epochLengthMs },
    // One round takes all, so that its sum can be compared with theirs.
    cohort: { min: devices, target: devices, max: devices },
    minSurvivors: 2,
    attempts: 1,
    assumptions,
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: startMs, notAfterMs: startMs + epochLengthMs },
    groups: [
      { name: 'essential', purpose: 'know which versions must be supported', essential: true },
      { name: OPTIONAL_GROUP, purpose: 'know what to make faster', essential: false },
    ],
    metrics: fleetMetrics(task.versions),
  };
}

const HOUR_MS = 3_600_000;
const WINDOWS_PER_EPOCH = 24;

/**
 * About an hour, such that a window and an epoch have just begun: windows are counted from 1970, so
 * with m windows since then, of ⌊now / m⌋ ms each, less than m ms (some eight minutes) of this one
 * are over, and more than fifty minutes are left.
 */
export function windowLengthMs(nowMs: number): number {
  const windows = WINDOWS_PER_EPOCH * Math.round(nowMs / (WINDOWS_PER_EPOCH * HOUR_MS));
  return Math.floor(nowMs / windows);
}

function fleetMetrics(versions: readonly string[]): Metric[] {
  const essential = {
    group: 'essential',
    owner: 'support',
    retentionDays: 90,
    access: ['analyst'] as const,
  };
  const optional = {
    group: OPTIONAL_GROUP,
    owner: 'engineering',
    retentionDays: 30,
    access: ['analyst'] as const,
  };
  return [
    {
      ...essential,
      name: 'version',
      kind: 'category',
      categories: [...versions],
      purpose: 'which versions run',
    },
    {
      ...essential,
      name: 'version_compliant',
      kind: 'flag',
      purpose: 'how many run at least the minimum version',
    },
    {
      ...optional,
      name: 'startup_ms',
      kind: 'histogram',
      edges: ['0', '25', '50', '100', '200', '400', '800', '1600', '3200', '10000'],
      unit: 'ms',
      purpose: 'how long a start takes, from the client to its certificate',
    },
    {
      ...optional,
      name: 'startup_mean_ms',
      kind: 'mean',
      min: '0',
      max: '10000',
      resolution: '0.5',
      unit: 'ms',
      purpose: 'how long a start takes on average',
    },
    {
      ...optional,
      name: 'memory_mib',
      kind: 'mean',
      min: '0',
      max: '1024',
      resolution: '0.125',
      unit: 'MiB',
      purpose: 'memory of the process, a device',
    },
    {
      ...optional,
      name: 'cpu_ms',
      kind: 'sum',
      min: '0',
      max: '10000',
      resolution: '0.1',
      unit: 'ms',
      purpose: 'CPU time of the process, a device',
    },
    {
      ...optional,
      name: 'page_faults',
      kind: 'count',
      max: 1_000_000,
      purpose: 'page faults of the process, a device',
    },
  ];
}
