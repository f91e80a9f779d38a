/**
 * The registrar's ledger as a value: a transaction works on a copy, and what it was before stays.
 * Records are never changed in place, so that a copy of the map is a copy of the ledger.
 */
import type { Ledger, LedgerValue } from '@onlysum/protocol';

export type LedgerRecords = ReadonlyMap<string, LedgerValue>;

export class SnapshotLedger implements Ledger {
  readonly #records: Map<string, LedgerValue>;

  constructor(records: LedgerRecords) {
    this.#records = new Map(records);
  }

  get records(): LedgerRecords {
    return this.#records;
  }

  read(key: string): LedgerValue | undefined {
    return this.#records.get(key);
  }

  put(key: string, value: LedgerValue): void {
    this.#records.set(key, value);
  }

  keys(prefix: string): string[] {
    return [...this.#records.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
