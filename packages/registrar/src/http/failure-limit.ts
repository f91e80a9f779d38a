/**
 * Counts failures per client address in fixed intervals. Knows: addresses and time. Doesn't know: what
 * failed. Invariant: bounded memory; one IPv6 network of 64 bits counts as one client.
 */
import { isIPv6 } from 'node:net';

/** Networks remembered at a time; beyond it the one that began first is forgotten. */
const MOST_NETWORKS = 10_000;

export class FailureLimit {
  readonly #most: number;
  readonly #intervalMs: number;
  readonly #counts = new Map<string, { readonly sinceMs: number; failures: number }>();

  constructor(most: number, intervalMs: number) {
    this.#most = most;
    this.#intervalMs = intervalMs;
  }

  /** @param nowMs - of a clock that never goes back. @returns ms to wait; 0 if there is no need to. */
  waitMs(address: string, nowMs: number): number {
    const entry = this.#counts.get(networkOf(address));
    if (entry === undefined || entry.failures < this.#most) return 0;
    return Math.max(0, entry.sinceMs + this.#intervalMs - nowMs);
  }

  failed(address: string, nowMs: number): void {
    const network = networkOf(address);
    const entry = this.#counts.get(network);
    if (entry !== undefined && nowMs < entry.sinceMs + this.#intervalMs) {
      entry.failures++;
      return;
    }
    this.#counts.delete(network);
    this.#counts.set(network, { sinceMs: nowMs, failures: 1 });
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST_NETWORKS && oldest !== undefined) this.#counts.delete(oldest);
  }
}

/** The address itself, or for IPv6 its first 64 bits: a client holds a whole network of them. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after];
  return groups.slice(0, 4).join(':');
}
