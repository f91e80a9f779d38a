/**
 * What a device knows of itself: measured here, not made up.
 * Knows: the process's counters. Doesn't know: the manifest's ranges, clients.
 */
import type { DevicePlan } from './worker-messages.js';

/** @param devices - that share this process: memory, CPU and page faults are divided among them. */
export function measuredValues(
  plan: Pick<DevicePlan, 'version' | 'compliant'>,
  startupMs: number,
  devices: number,
): ReadonlyMap<string, string | boolean | number> {
  const { user, system } = process.cpuUsage();
  const { minorPageFault, majorPageFault } = process.resourceUsage();
  return new Map<string, string | boolean | number>([
    ['version', plan.version],
    ['version_compliant', plan.compliant],
    ['startup_ms', startupMs],
    ['startup_mean_ms', startupMs],
    ['memory_mib', process.memoryUsage.rss() / 2 ** 20 / devices],
    ['cpu_ms', (user + system) / 1000 / devices],
    ['page_faults', Math.round((minorPageFault + majorPageFault) / devices)],
  ]);
}
