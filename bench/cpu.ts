/** CPU of this process, all threads: what else the machine does meanwhile is not in it. */

/** @returns milliseconds since the process began. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** @returns milliseconds that `run` took. */
export function cpuOf(run: () => void): number {
  const before = cpuMs();
  run();
  return cpuMs() - before;
}
