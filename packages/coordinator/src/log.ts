/**
 * Structured logs. Knows: which names hold what must never be written, and censors them whoever logs
 * them. Invariant: no vector, share, seed, key or certificate in a line (coordinator.logs.test.ts).
 */
import { type LevelWithSilent, type Logger, destination, pino } from 'pino';

const NEVER_LOGGED = [
  'bytes',
  'vector',
  'boxes',
  'tags',
  'share',
  'shares',
  'seed',
  'selfSeeds',
  'pairSecrets',
  'b',
  'c',
  's',
  'p',
  'key',
  'keys',
  'certificate',
  'pseudonym',
  'signature',
  'members',
  'job',
  'request',
];

/** Censored where they are the logged object's own fields, or one or two levels down. */
const REDACT_PATHS = NEVER_LOGGED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

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
