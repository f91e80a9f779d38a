/**
 * Lines of onlysum.yaml that have a form and no effect yet. A server that would ignore one of them must not
 * start: its operator counts on it. Invariant: a line is either in here or wired.
 */
import { UsageError } from '@onlysum/crypto';
import type { Configuration } from './configuration.js';

/** Whoever wires a line takes its name from here. */
const NOT_WIRED = {
  coordinator: ['store', 'resultsKey', 'overSelection'],
  registrar: [],
} as const satisfies { [S in 'coordinator' | 'registrar']: readonly (keyof Configuration[S])[] };

/** @returns names of lines that are given and have no effect, e.g. `coordinator.tls`. */
export function unsupportedLines(configuration: Configuration): string[] {
  return [
    ...unsupportedIn('coordinator', configuration),
    ...unsupportedIn('registrar', configuration),
  ];
}

/** @throws {UsageError} `setting-unsupported`. */
export function checkSupported(
  section: keyof typeof NOT_WIRED,
  configuration: Configuration,
): void {
  const [line] = unsupportedIn(section, configuration);
  if (line !== undefined) throw unsupported(line);
}

function unsupportedIn(section: keyof typeof NOT_WIRED, configuration: Configuration): string[] {
  const given = Object.keys(configuration[section]);
  const names: readonly string[] = NOT_WIRED[section];
  return given.filter((name) => names.includes(name)).map((name) => `${section}.${name}`);
}

function unsupported(line: string): UsageError {
  const expected = 'no such line, as this version would not act on it';
  return new UsageError('setting-unsupported', `${line}: expected ${expected}, got one`, {
    field: line,
    expected,
    got: 'one',
  });
}
