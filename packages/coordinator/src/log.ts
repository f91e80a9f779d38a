/**
 * Structured logs. Knows: which names hold what must never be written, and censors them whoever logs
 * them. Invariant: no vector, share, seed, key or certificate in a line (coordinator.logs.test.ts).
 */
import { type LevelWithSilent, type Logger, destination, pino } from 'pino';

/** `code` is not among them: it names an error. Enrolment codes go by other names, and never come here. */
export const NEVER_LOGGED = [
  // Of devices.
  ...['vector', 'values', 'value', 'lanes', 'maskedTotal', 'boxes', 'tags', 'members'],
  ...['certificate', 'pseudonym', 'pseudonyms', 'signature', 'address', 'enrolmentCode', 'codes'],
  // What opens something.
  ...['seed', 'seeds', 'selfSeeds', 'selfMasks', 'share', 'shares', 'pairs', 'pairSecrets'],
  ...['secret', 'secrets', 'key', 'keys', 'maskKeys', 'privateKey', 'sealKey', 'b', 'c', 's', 'p'],
  // Of operators.
  ...['token', 'tokens', 'authorization', 'password', 'passphrase', 'cookie', 'set-cookie'],
  ...['connectionString'],
  // What holds such things.
  ...['bytes', 'sealed', 'sum', 'record', 'job', 'request'],
] as const;

/** Censored where they are the logged object's own fields, or one or two levels down. */
const REDACT_PATHS = NEVER_LOGGED.flatMap((name) => {
  const own = `["${name}"]`;
  return [own, `*${own}`, `*.*${own}`];
});

/**
 * @param level - of the logger that is made.
 * @returns a child of `logger` that censors; without one, a logger to standard error.
 */
export function coordinatorLog(logger?: Logger, level: LevelWithSilent = 'info'): Logger {
  const name = 'onlysum-coordinator';
  const base = logger ?? pino({ name, level }, destination({ fd: 2, sync: true }));
  return base.child({}, { redact: { paths: REDACT_PATHS, censor: '[never logged]' } });
}

/** What of an error may be written: class, code, message; never its causes' fields. */
export function errorFields(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { error: `${error.name}: ${error.message}`, ...code };
}
