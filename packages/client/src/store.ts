/**
 * Where the durable record lives: an interface, one file per implementation, one contract suite.
 */
import type { ClientRecord } from './record.js';

/** One atomic record, exclusive between all processes that open it. */
export interface ClientStore {
  /**
   * Reads, changes and writes as one step: no other change comes between.
   *
   * @param change - pure and quick; may run several times, of which the last one counts. What it
   *   throws rejects the call, and nothing is changed.
   * @returns its second result, once the new record is durable.
   * @throws {UsageError} `record-corrupt`; {@link RoundError} `store-failed`, after which the change
   *   may or may not have been made.
   */
  update<T>(change: (record: ClientRecord) => readonly [ClientRecord, T]): Promise<T>;
  /** @returns the record; a fresh one if there has never been one. @throws as `update` does. */
  read(): Promise<ClientRecord>;
  /** Waits for what is under way, and leaves nothing of earlier records; later calls are refused. */
  close(): Promise<void>;
}
