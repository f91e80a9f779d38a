/**
 * What must never be in a log, by the names of its fields: censored whoever logs it.
 * Knows: names that every server has. Doesn't know: the logger, what a server names beside them.
 * Invariant: a field is censored where it is the logged object's own, or one or two levels down.
 */

const NEVER_LOGGED = [
  // Keys and what is made with them.
  'seed',
  'seeds',
  'key',
  'keys',
  'share',
  'shares',
  'selfSeeds',
  'pairSecrets',
  'b',
  'c',
  's',
  'p',
  'boxes',
  'tags',
  'signature',
  // What lets somebody in.
  'token',
  'tokens',
  'authorization',
  'password',
  'passphrase',
  'codes',
  'licence',
  // Who takes part.
  'pseudonym',
  'pseudonyms',
  'certificate',
  'members',
  // What is measured.
  'vector',
  'lanes',
  'value',
  'values',
  'maskedTotal',
  // Whole messages.
  'bytes',
  'job',
  'request',
];

/** For pino's `redact`. @param more - further names. */
export function redaction(more: readonly string[] = []): {
  readonly paths: string[];
  readonly censor: string;
} {
  const names = [...NEVER_LOGGED, ...more];
  const paths = names.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return { paths, censor: '[never logged]' };
}
