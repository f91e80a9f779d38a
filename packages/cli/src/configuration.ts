/**
 * onlysum.yaml: what each role of a deployment is started with. Paths in it are relative to it.
 * Knows: how what is wrong is said, and where. Doesn't know: flags, defaults, whether the files are there.
 * Invariant: no unknown name is ignored, every path that leaves here is absolute, and no secret is shown.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, UsageError } from '@onlysum/crypto';
import * as v from 'valibot';
import {
  type LinePath,
  parseConfigurationDocument,
  type Position,
} from './configuration-document.js';
import { configurationSchema, UNSHOWN_LINES } from './configuration-schema.js';
import { readText } from './files.js';
import { nearestName } from './nearest-name.js';

export const CONFIGURATION_FILE = 'onlysum.yaml';

type Lines = v.InferOutput<ReturnType<typeof configurationSchema>>;
type SectionName = keyof Lines;
/** Every line of a section may be left out: a flag can stand in for it. */
export type Section<S extends SectionName> = NonNullable<Lines[S]>;
export type Configuration = { readonly [S in SectionName]-?: Section<S> };
/** Where a server keeps its record. */
export type StoreSetting = NonNullable<Section<'registrar'>['store']>;
/** Where keys that results are sealed with come from, the present one first. */
export type KeySources = NonNullable<Section<'coordinator'>['resultsKey']>;

export interface ConfigurationProblem extends Position {
  /** Of a whole file that is no YAML, `configuration`. */
  readonly field: string;
  readonly expected: string;
  /** Free of secrets. */
  readonly got: string;
  /** The name that was perhaps meant. */
  readonly suggestion?: string;
}

export interface ReadConfiguration {
  /** Empty where there are problems. */
  readonly configuration: Configuration;
  /** In the order of the file. */
  readonly problems: readonly ConfigurationProblem[];
  /** @param field - as in a problem, e.g. `registrar.manifests[0]`. */
  readonly positionOf: (field: string) => Position;
}

/**
 * @param file - undefined: `onlysum.yaml` of `cwd` if there is one, else an empty configuration.
 * @throws {UsageError} `file-unreadable`; `file-invalid` for what is no YAML; `config-invalid` with file,
 *   line and column of the first problem.
 */
export function loadConfiguration(file: string | undefined, cwd: string): Configuration {
  const path = configurationPath(file, cwd);
  if (path === undefined) return EMPTY;
  const { configuration, problems } = parseConfiguration(readText(path), dirname(path));
  const [first] = problems;
  if (first === undefined) return configuration;
  const { field, expected, got } = first;
  const more = problems.length - 1;
  const rest = more === 0 ? '' : ` (and ${more} more: onlysum config check)`;
  const message = `${problemText(path, first)}${rest}`;
  const details = { field, expected, got };
  if (expected === YAML) throw new UsageError('file-invalid', message, details);
  throw new UsageError('config-invalid', message, details);
}

/** @returns undefined if none was named and there is none. */
export function configurationPath(file: string | undefined, cwd: string): string | undefined {
  const path = resolve(cwd, file ?? CONFIGURATION_FILE);
  return file === undefined && !existsSync(path) ? undefined : path;
}

/** @param directory - what paths are relative to. */
export function parseConfiguration(text: string, directory: string): ReadConfiguration {
  const document = parseConfigurationDocument(text);
  const positionOf = (field: string) => document.positionOf(stepsOf(field));
  if (document.syntaxProblems.length > 0) {
    const problems = document.syntaxProblems.map(({ message, ...position }) => {
      return { ...position, field: 'configuration', expected: YAML, got: message };
    });
    return { configuration: EMPTY, problems, positionOf };
  }
  const parsed = v.safeParse(configurationSchema(directory), document.value);
  if (parsed.success) {
    return { configuration: { ...EMPTY, ...parsed.output }, problems: [], positionOf };
  }
  const problems = parsed.issues.flatMap((issue) => problemsOf(issue, [], document.positionOf));
  return { configuration: EMPTY, problems: ordered(problems), positionOf };
}

/** `onlysum.yaml:3:5: registrar.port: expected …, got …; did you mean …?` */
export function problemText(path: string, problem: ConfigurationProblem): string {
  const { line, column, field, expected, got, suggestion } = problem;
  const meant = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return `${path}:${line}:${column}: ${field}: expected ${expected}, got ${got}${meant}`;
}

const EMPTY: Configuration = { coordinator: {}, registrar: {}, device: {}, log: {} };
const YAML = 'YAML';
const ONLY = 'only ';

/** Of alternatives, those count that went deepest: they name the line that is wrong. */
function problemsOf(
  issue: v.BaseIssue<unknown>,
  around: LinePath,
  positionOf: (path: LinePath) => Position,
): ConfigurationProblem[] {
  const path = [...around, ...(issue.path ?? []).map(({ key }) => key as string | number)];
  const deeper = (issue.issues ?? []).filter(
    ({ path, kind }) => path !== undefined || kind === 'validation',
  );
  if (deeper.length > 0) return deeper.flatMap((each) => problemsOf(each, path, positionOf));
  const expected = issue.message;
  if (!expected.startsWith(ONLY)) {
    const field = fieldOf(path);
    return [{ ...positionOf(path), field, expected, got: shown(field, issue.input) }];
  }
  const name = String(path.at(-1));
  const suggestion = nearestName(name, expected.slice(ONLY.length).split(', '));
  const problem = { field: fieldOf(path.slice(0, -1)), expected, got: describe(name) };
  return [{ ...positionOf(path), ...problem, ...(suggestion === undefined ? {} : { suggestion }) }];
}

/** Several actions of one form say the same. */
function ordered(problems: readonly ConfigurationProblem[]): ConfigurationProblem[] {
  const byText = new Map(problems.map((problem) => [problemText('', problem), problem]));
  return [...byText.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function shown(field: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  const isUnshown = UNSHOWN_LINES.some((line) => field.startsWith(line));
  // A URL with a user may hold a password.
  const hasUser = typeof value === 'string' && value.includes('@');
  return isUnshown || hasUser ? kindOf(value) : describe(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'object') return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
  const names = Object.keys(value);
  return names.length === 0 ? 'none' : names.join(', ');
}

/** `registrar.manifests[0]`; of the file itself, `configuration`. */
function fieldOf(path: LinePath): string {
  if (path.length === 0) return 'configuration';
  return path.reduce<string>(
    (field, step) =>
      typeof step === 'number' ? `${field}[${step}]` : field === '' ? step : `${field}.${step}`,
    '',
  );
}

function stepsOf(field: string): LinePath {
  if (field === 'configuration') return [];
  return field.split(/[.[\]]+/).filter((step) => step !== '');
}
