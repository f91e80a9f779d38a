/**
 * What anybody may cause as often as they like, in the audit log as one entry a minute for each kind: refusals,
 * and certificates that were given again.
 * Knows: events and how often they came. Doesn't know: what is worth an entry, the chain.
 * Invariant: nobody can make the log longer than kinds times minutes; what could not be written is written
 * with what comes next, and only a process that is killed loses the counts of its last minute.
 */
import type { AuditEvent } from './audit-chain.js';

export interface TallyPorts {
  /** Appends all of them or, if it rejects, none. */
  append(events: readonly [AuditEvent, ...AuditEvent[]]): Promise<void>;
  /** @param kinds - how many entries could not be written; they are tried again. */
  onUnwritten(error: unknown, kinds: number): void;
}

interface Tally {
  readonly event: AuditEvent;
  readonly count: number;
}

const MINUTE_MS = 60_000;

export class AuditTally {
  readonly #ports: TallyPorts;
  #tallies = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;
  #writing = Promise.resolve();
  #isClosed = false;

  constructor(ports: TallyPorts) {
    this.#ports = ports;
  }

  /** @param event - one of a bounded number of kinds, without a count. */
  add(event: AuditEvent): void {
    this.#count(event, 1);
    this.#wait();
  }

  /** Writes what there is. Never throws: what could not be written is told to `onUnwritten`. */
  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return this.#write();
  }

  #count(event: AuditEvent, more: number): void {
    const key = JSON.stringify(event);
    const { count } = this.#tallies.get(key) ?? { count: 0 };
    this.#tallies.set(key, { event, count: count + more });
  }

  /** From the first event of a minute on: an idle server writes nothing. */
  #wait(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#endMinute(), MINUTE_MS);
    this.#timer.unref();
  }

  async #endMinute(): Promise<void> {
    await this.#write();
    this.#timer = undefined;
    // What came meanwhile, or could not be written.
    if (this.#tallies.size > 0) this.#wait();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#append());
    return this.#writing;
  }

  async #append(): Promise<void> {
    const tallies = [...this.#tallies.values()];
    const [first, ...others] = tallies.map(({ event, count }) => {
      return { ...event, details: { ...event.details, count } };
    });
    if (first === undefined) return;
    this.#tallies = new Map();
    try {
      await this.#ports.append([first, ...others]);
    } catch (error) {
      for (const { event, count } of tallies) this.#count(event, count);
      this.#ports.onUnwritten(error, tallies.length);
    }
  }
}
