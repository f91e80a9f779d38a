import { SubmitError } from '@onlysum/client';
import { RoundError, UsageError } from '@onlysum/crypto';
import { expect, it } from 'vitest';
import { inCommandTerms } from './device-failure.js';

const NEXT_MS = Date.UTC(2030, 0, 1);

function told(
  change: Partial<{ contributed: boolean; nextWindowMs: number; retryable: boolean }>,
): string {
  const { contributed = false, nextWindowMs, retryable = true } = change;
  const cause = new RoundError('overloaded', 'full', { retryable });
  const failure = { cause, attempts: 3, triedMs: 4200, contributed, nextWindowMs };
  const error = inCommandTerms(new SubmitError(failure), '/d1') as RoundError;
  expect(error.code).toBe('overloaded');
  expect(error.message).not.toContain('kept');
  return error.message;
}

it('says what to type next, since no value outlives the command', () => {
  expect(told({})).toBe('full [tried 3 times in 5 s: run the same command again]');
  expect(told({ retryable: false })).toBe('full [tried 3 times in 5 s, not retried]');
  expect(told({ nextWindowMs: NEXT_MS })).toBe(
    'full [tried 3 times in 5 s: run the same command again from 2030-01-01T00:00:00.000Z on]',
  );
  expect(told({ contributed: true, nextWindowMs: NEXT_MS })).toBe(
    'full [a masked input left, so this window is spent: submit again from 2030-01-01T00:00:00.000Z on]',
  );
});

it('names flags where the client names options', () => {
  const enrolled = new UsageError('already-enrolled', 'enrol with { replace: true }');
  const error = inCommandTerms(enrolled, '/d1') as UsageError;
  expect(error.message).toContain('give --replace');
  expect(error.message).not.toContain('{ replace');
});

it('leaves everything else as it is', () => {
  const other = new Error('other');
  expect(inCommandTerms(other, '/d1')).toBe(other);
  const ahead = new UsageError('not-enrolled', 'set the clock');
  expect(inCommandTerms(ahead, '/d1')).toBe(ahead);
});
