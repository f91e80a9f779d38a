/** Measures a server process from the moment everybody is connected. Knows: this process. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cpuMs } from '../cpu.js';
import type { FromServer, ServerCost, ToServer } from './messages.js';

/** @returns what to call when the last connection of a round has ended; it reports the round's cost. */
export function measureFromGo(): () => void {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  let start = { cpu: 0, wall: 0 };
  process.on('message', ({ kind }: ToServer) => {
    if (kind !== 'go') return;
    start = { cpu: cpuMs(), wall: performance.now() };
    delays.reset();
    delays.enable();
  });
  process.on('disconnect', () => process.exit());
  return () => {
    delays.disable();
    const cost: ServerCost = {
      cpuMs: cpuMs() - start.cpu,
      wallMs: performance.now() - start.wall,
      peakRssMiB: process.resourceUsage().maxRSS / 1024,
      delayP99Ms: delays.percentile(99) / 1e6,
    };
    report({ kind: 'finished', ...cost });
  };
}

export function report(message: FromServer): void {
  process.send?.(message);
}
