/**
 * Structured logs. Knows: that names which hold what must never be written are censored whoever logs
 * them. Invariant: no vector, share, seed, key or certificate in a line (coordinator.logs.test.ts).
 */
import { redaction } from '@onlysum/service';
import { type LevelWithSilent, type Logger, destination, pino } from 'pino';

/**
 * @param level - of the logger that is made.
 * @returns a child of `logger` that censors; without one, a logger to standard error.
 */
export function coordinatorLog(logger?: Logger, level: LevelWithSilent = 'info'): Logger {
  const name = 'onlysum-coordinator';
  const base = logger ?? pino({ name, level }, destination({ fd: 2, sync: true }));
  return base.child({}, { redact: redaction() });
}

/** What of an error may be written: class, code, message; never its causes' fields. */
export function errorFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}
