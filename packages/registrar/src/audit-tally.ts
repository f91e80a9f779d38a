/**
 * What anybody may cause as often as they like, in the audit log as one entry a minute for each kind: refusals,
 * and certificates that were given again.
 * Knows: events and how often they came. Doesn't know: what is worth an entry, the chain.
 * Invariant: nobody can make the log longer than kinds times minutes; what could not be written is written
 * with what comes next, and only a process that is killed loses the counts of its last minute.
 */
import type { Suite } from '@onlysum/crypto';
import type { AuditEvent } from '@onlysum/service';
import type { Logger } from 'pino';
import { appendAudit } from './audit.js';
import { errorFields } from './log.js';
import type { RegistrarStore } from './store/registrar-store.js';

export interface TallyHost {
  readonly store: RegistrarStore;
  readonly suite: Suite;
  readonly logger: Logger;
  /** Unix ms. */
  readonly now: () => number;
}

interface Tally {
  readonly event: AuditEvent;
  readonly count: number;
}

const MINUTE_MS = 60_000;

export class AuditTally {
  readonly #host: TallyHost;
  #tallies = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;
  #writing = Promise.resolve();
  #isClosed = false;

  constructor(host: TallyHost) {
    this.#host = host;
  }

  /** @param event - one of a bounded number of kinds, without a count. */
  add(event: AuditEvent): void {
    this.#count(event, 1);
    this.#wait();
  }

  /** Writes what there is. Never throws: what could not be written is in the server's log. */
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

  /** From the first event of a minute on: an idle registrar writes nothing. */
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
    const { store, suite, logger, now } = this.#host;
    const tallies = [...this.#tallies.values()];
    if (tallies.length === 0) return;
    this.#tallies = new Map();
    try {
      await store.transact((ledger) => {
        for (const { event, count } of tallies) {
          const details = { ...event.details, count };
          appendAudit(ledger, suite, { ...event, details }, Math.floor(now()));
        }
      });
    } catch (error) {
      for (const { event, count } of tallies) this.#count(event, count);
      logger.error({ kinds: tallies.length, ...errorFields(error) }, 'refusals not recorded');
    }
  }
}
