/**
 * The registrar's durable record, as its machine sees it: named records inside one transaction.
 * Knows: keys and plain values. Doesn't know: files, locks, who commits. Protocol §6.5.
 * Records are never changed in place: a new value is put under the same key, or the key is removed.
 */

/** Plain data: what every store can keep and give back unchanged. */
export type LedgerValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly LedgerValue[]
  | { readonly [field: string]: LedgerValue };

export interface Ledger {
  read(key: string): LedgerValue | undefined;
  put(key: string, value: LedgerValue): void;
  /** Of a key that is not there: nothing. */
  remove(key: string): void;
  /** Keys that begin with `prefix`, ascending. */
  keys(prefix: string): Iterable<string>;
}

/** A ledger in memory, for simulation. Records are values, so a copy of the map is a copy of it. */
export class MemoryLedger implements Ledger {
  readonly #records: Map<string, LedgerValue>;

  constructor(records: ReadonlyMap<string, LedgerValue> = new Map()) {
    this.#records = new Map(records);
  }

  get records(): ReadonlyMap<string, LedgerValue> {
    return this.#records;
  }

  read(key: string): LedgerValue | undefined {
    return this.#records.get(key);
  }

  put(key: string, value: LedgerValue): void {
    this.#records.set(key, value);
  }

  remove(key: string): void {
    this.#records.delete(key);
  }

  keys(prefix: string): string[] {
    return [...this.#records.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
