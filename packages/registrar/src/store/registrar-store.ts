/**
 * The registrar's durable record, seen from its host. Protocol §6.5.
 * Knows: transactions. Doesn't know: what is recorded. Every implementation passes the contract suite in
 * @onlysum/testkit.
 */
import type { Ledger } from '@onlysum/protocol';

export interface RegistrarStore {
  /**
   * Runs `run` alone: no other transaction of any process on this store overlaps it.
   *
   * @param run - synchronous; the ledger is valid inside it only.
   * @returns what `run` returns, and only once everything it put is on disk.
   * @throws whatever `run` throws, and then nothing it put is kept.
   */
  transact<T>(run: (ledger: Ledger) => T): Promise<T>;
  /** Runs `run` over what is committed, in one snapshot. @param run - synchronous; puts nothing. */
  read<T>(run: (ledger: Ledger) => T): T;
  /** Afterwards every other call throws `store-closed`. May be called twice. */
  close(): Promise<void>;
}
