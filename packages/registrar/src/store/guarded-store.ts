/**
 * What every store promises alike, whatever keeps the bytes: a ledger that is dead outside its
 * transaction, no nesting, no asynchronous transaction, values that nobody shares.
 * Invariant: a backend sees only whole, synchronous transactions, one at a time.
 */
import { InternalError, UsageError } from '@onlysum/crypto';
import type { Ledger, LedgerValue } from '@onlysum/protocol';
import type { RegistrarStore } from './registrar-store.js';

/** What keeps the bytes. */
export interface StoreBackend {
  /** Commits durably before it returns or resolves; rolls back if `run` throws. */
  write<T>(run: (ledger: Ledger) => T): T | Promise<T>;
  read<T>(run: (ledger: Ledger) => T): T;
  close(): Promise<void>;
}

export function guardedStore(backend: StoreBackend): RegistrarStore {
  let closing: Promise<void> | undefined;
  let isBusy = false;

  function borrow<T>(ledger: Ledger, mayPut: boolean, run: (ledger: Ledger) => T): T {
    const lent = { isOver: false };
    isBusy = true;
    try {
      const result = run(lendLedger(ledger, mayPut, lent));
      if (result instanceof Promise) {
        // Nobody waits for it any more: its own failure must not end the process.
        result.catch(() => undefined);
        throw new InternalError('internal', 'a transaction must be synchronous');
      }
      return result;
    } finally {
      lent.isOver = true;
      isBusy = false;
    }
  }

  function checkUsable(): void {
    if (closing !== undefined) {
      throw new UsageError('store-closed', 'store: closed; open it again', { field: 'store' });
    }
    if (isBusy) throw new InternalError('internal', 'a transaction inside a transaction');
  }

  return {
    transact: async (run) => {
      checkUsable();
      return backend.write((ledger) => borrow(ledger, true, run));
    },
    read: (run) => {
      checkUsable();
      return backend.read((ledger) => borrow(ledger, false, run));
    },
    close: () => (closing ??= backend.close()),
  };
}

function lendLedger(ledger: Ledger, mayPut: boolean, lent: { readonly isOver: boolean }): Ledger {
  const checkLent = () => {
    if (lent.isOver) throw new InternalError('internal', 'a ledger was used after its transaction');
  };
  return {
    read: (key) => {
      checkLent();
      const value = ledger.read(key);
      return value === undefined ? undefined : copyValue(value);
    },
    put: (key, value) => {
      checkLent();
      if (!mayPut) throw new InternalError('internal', `put of ${key} in a read-only transaction`);
      ledger.put(key, copyValue(value));
    },
    keys: (prefix) => {
      checkLent();
      return [...ledger.keys(prefix)];
    },
  };
}

/** A deep copy with plain Uint8Arrays: a Buffer may be a view into memory that is used again. */
function copyValue(value: LedgerValue): LedgerValue {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (isList(value)) return value.map(copyValue);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copyValue(field)]));
}

function isList(value: object): value is readonly LedgerValue[] {
  return Array.isArray(value);
}
