/**
 * How long the records of windows and rounds are kept. Protocol §6.5.
 * Knows: what of them no decision can need any more. Doesn't know: when anybody prunes.
 * Invariant: once a window's records are gone, nothing is ever signed for a window that ended with it or
 * before, whatever the clock says: a window is never counted from the start again.
 */
import { UsageError, invalidField } from '@onlysum/crypto';
import type { Window } from '@onlysum/task';
import type { Ledger } from './ledger.js';
import { records } from './records.js';
import { RefusedRequest } from './types.js';

/** A roster may be open for a day after it was attested, in a window that ends by then (§6.1). */
export const LEAST_RETENTION_MS = 2 * 86_400_000;

/** A window that has ended, by the names under which its records lie. */
export interface PastWindow {
  /** Hex. */
  readonly taskId: string;
  readonly window: number;
  readonly endMs: number;
}

export interface PrunedWindow {
  readonly rounds: number;
  /** How many took part. */
  readonly participations: number;
}

/**
 * @param retentionMs - at least {@link LEAST_RETENTION_MS}, from the end of a window.
 * @returns those whose records may go.
 * @throws {UsageError} `argument-invalid`.
 */
export function expiredWindows(ledger: Ledger, retentionMs: number, nowMs: number): PastWindow[] {
  if (!(retentionMs >= LEAST_RETENTION_MS)) {
    const expected = `at least ${LEAST_RETENTION_MS} ms`;
    throw invalidField(UsageError, 'argument-invalid', 'retentionMs', expected, retentionMs);
  }
  const expired = new Map<string, PastWindow>();
  for (const key of ledger.keys(WINDOWS)) {
    const [taskId = '', index = '', incarnation = ''] = key.slice(WINDOWS.length).split('/');
    const window = Number(index);
    const { endMs } = records.window.expect(ledger, taskId, window, Number(incarnation));
    if (endMs + retentionMs <= nowMs) expired.set(`${taskId}/${index}`, { taskId, window, endMs });
  }
  return [...expired.values()];
}

/** Removes all there is of a window, in one transaction. @param past - of {@link expiredWindows}. */
export function pruneWindow(ledger: Ledger, past: PastWindow): PrunedWindow {
  const { taskId, window, endMs } = past;
  const until = Math.max(endMs, records.prunedUntil.find(ledger)?.value ?? 0);
  records.prunedUntil.put(ledger, { value: until });
  const rounds = removeAll(ledger, `window-round/${taskId}/${window}/`, (round) => {
    records.round.remove(ledger, round);
    records.sharedSet.remove(ledger, round);
    records.survivorSet.remove(ledger, round);
  });
  const participations = removeAll(ledger, `participation/${taskId}/${window}/`);
  removeAll(ledger, `${WINDOWS}${taskId}/${window}/`);
  return { rounds, participations };
}

/** @throws {RefusedRequest} `window-not-now`: the clock was set back into a time that is over. */
export function checkNotPruned(ledger: Ledger, { index, endMs }: Window): void {
  if (endMs > (records.prunedUntil.find(ledger)?.value ?? 0)) return;
  throw new RefusedRequest(
    'window-not-now',
    `window ${index} is long over, and what was signed in it forgotten: set the registrar's clock`,
  );
}

const WINDOWS = 'window/';

/** @returns how many keys there were. */
function removeAll(ledger: Ledger, prefix: string, also?: (rest: string) => void): number {
  const keys = [...ledger.keys(prefix)];
  for (const key of keys) {
    also?.(key.slice(prefix.length));
    ledger.remove(key);
  }
  return keys.length;
}
