/**
 * What must never be in a log, by the names of its fields: censored whoever logs it.
 * Knows: names that every server has. Doesn't know: the logger, what a server names beside them.
 * Invariant: a field is censored where it is the logged object's own, or one or two levels down.
 */

/** `code` is not among them: it names an error. */
export const NEVER_LOGGED = [
  // What opens sums, and what is made with it.
  ...['seed', 'seeds', 'selfSeeds', 'selfMasks', 'share', 'shares', 'pairs', 'pairSecrets'],
  ...['secret', 'secrets', 'key', 'keys', 'maskKeys', 'privateKey', 'sealKey', 'b', 'c', 's', 'p'],
  ...['boxes', 'tags', 'signature'],
  // What lets somebody in.
  ...['token', 'tokens', 'authorization', 'password', 'passphrase', 'cookie', 'set-cookie'],
  ...['connectionString', 'enrolmentCode', 'codes', 'licence'],
  // Who takes part.
  ...['pseudonym', 'pseudonyms', 'certificate', 'members', 'address'],
  // What is measured.
  ...['vector', 'lanes', 'value', 'values', 'maskedTotal', 'sum', 'sealed', 'record'],
  // Whole messages.
  ...['bytes', 'job', 'request'],
] as const;

/** For pino's `redact`. @param more - further names. */
export function redaction(more: readonly string[] = []): {
  readonly paths: string[];
  readonly censor: string;
} {
  const paths = [...NEVER_LOGGED, ...more].flatMap((name) => {
    const own = `["${name}"]`;
    return [own, `*${own}`, `*.*${own}`];
  });
  return { paths, censor: '[never logged]' };
}
