/**
 * Lines that a server would refuse at its start.
 * Knows: which line each option of a server comes from. Doesn't know: what is allowed; the servers' own
 * checks say it, so that the two cannot come apart.
 * Invariant: each line is tried alone, so that one fault hides no other, and then all of them together.
 */
import {
  checkOperatorOptions as checkCoordinatorOptions,
  type CoordinatorOperatorOptions,
} from '@onlysum/coordinator';
import { UsageError } from '@onlysum/crypto';
import {
  checkOperatorOptions as checkRegistrarOptions,
  type RegistrarOperatorOptions,
  type TokenIssuer,
} from '@onlysum/registrar';
import { RESULTS_KEY_LINE } from '../coordinator-settings.js';
import { readJson } from '../files.js';
import { given } from '../flags.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';
import { isProxy } from './proxy-checks.js';

export function checkSettings(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const findings = [
    ...checkCoordinatorLines(deployment, tasks),
    ...checkRegistrarLines(deployment, tasks),
    ...checkMissing(deployment),
    ...checkResultsKey(deployment),
  ];
  return orOk(findings, 'settings', 'the servers take every line');
}

function checkCoordinatorLines(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { limits, durations, exportRounds, resultsDir, overSelection, admin } =
    deployment.configuration.coordinator;
  const own = tasksOf(tasks, 'coordinator');
  const { rateLimits, ...listener } = admin ?? {};
  const adminListener = { ...listener, ...proxiesOf(admin) };
  const all = {
    ...given({ limits, durations, exportRounds, resultsDir, overSelection }),
    ...(admin === undefined ? {} : { admin: { ...adminListener, ...given({ rateLimits }) } }),
  } as Partial<CoordinatorOperatorOptions>;
  const alone: readonly Partial<CoordinatorOperatorOptions>[] = [
    ...linesOf(limits).map((line) => ({ limits: line })),
    ...linesOf(durations).map((line) => ({ durations: line })),
    given({ exportRounds, resultsDir }),
    { admin: adminListener },
    ...linesOf(rateLimits).map((line) => ({ admin: { rateLimits: line } })),
  ];
  const check = (options: Partial<CoordinatorOperatorOptions>, named: typeof own) =>
    checkCoordinatorOptions({ host: ANY_HOST, port: 0, ...options }, named);
  const { frameBytes } = limits ?? {};
  const refusals = refusalsOf(
    [
      ...alone.map((options) => () => check(options, [])),
      // The one line that depends on the tasks: each says what it needs.
      ...own.map((task) => () => check({ limits: given({ frameBytes }) }, [task])),
    ],
    () => check(all, own),
  );
  return refusals.map((refusal) =>
    findingOf(deployment, 'coordinator', refusal, (field) => field.replace(/^tasks/, 'manifests')),
  );
}

function checkRegistrarLines(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { limits, rateLimits, tokenLimits, ledgerRetentionDays, auditRetentionDays } =
    deployment.configuration.registrar;
  const own = tasksOf(tasks, 'registrar');
  const check = (options: Partial<RegistrarOperatorOptions>) =>
    checkRegistrarOptions({ port: 0, ...options }, own);
  const { issuers, findings } = issuersOf(deployment);
  const spoilt = issuers.flatMap((issuer, i) =>
    refusalOf(() => check({ tokenIssuers: [issuer] })).map((refusal) =>
      findingOf(deployment, 'registrar', refusal, (field) =>
        field.replace('tokenIssuers[0]', `tokens[${i}]`),
      ),
    ),
  );
  const all = given({ limits, rateLimits, tokenLimits, ledgerRetentionDays, auditRetentionDays });
  const alone: readonly Partial<RegistrarOperatorOptions>[] = [
    ...linesOf(limits).map((line) => ({ limits: line })),
    ...linesOf(rateLimits).map((line) => ({ rateLimits: line })),
    ...linesOf(tokenLimits).map((line) => ({ tokenLimits: line })),
  ];
  const areIssuersRead = findings.length + spoilt.length === 0;
  const refusals = refusalsOf(
    alone.map((options) => () => check(options)),
    () => check(areIssuersRead ? { ...all, tokenIssuers: issuers } : all),
  );
  return [
    ...findings,
    ...spoilt,
    ...refusals.map((refusal) =>
      findingOf(deployment, 'registrar', refusal, (field) =>
        field.replace('tokenIssuers', 'tokens'),
      ),
    ),
  ];
}

/** A flag may give them, but whoever starts a server by its file alone needs them there. */
const NEEDED = {
  coordinator: ['key', 'registrarUrl', 'manifests'],
  registrar: ['key', 'store', 'manifests'],
} as const;

function checkMissing({ configuration, at }: Deployment): Finding[] {
  return (['coordinator', 'registrar'] as const).flatMap((role) => {
    const lines: Readonly<Record<string, unknown>> = configuration[role];
    if (Object.keys(lines).length === 0) return [];
    const missing = NEEDED[role].filter((name) => lines[name] === undefined);
    if (missing.length === 0) return [];
    const message = `${role}: no line ${missing.join(', ')}: the ${role} starts only with a flag for it`;
    return [warning('settings', message, `write ${missing.join(', ')}`, at(role))];
  });
}

/** Without one, a coordinator on a database would refuse to start. */
function checkResultsKey({ configuration: { coordinator }, at }: Deployment): Finding[] {
  const { store, resultsKey } = coordinator;
  if (store === undefined || 'lmdb' in store || resultsKey !== undefined) return [];
  const message = `${RESULTS_KEY_LINE}: missing, and beside a database no key is made`;
  const mend = 'name the key that results are sealed with';
  return [failure('settings', message, mend, at('coordinator.store'))];
}

/** That no port or host is at fault: their form is checked with that of the file. */
const ANY_HOST = '127.0.0.1';

/** @returns what each of `alone` refuses; what `all` does, only if none alone is at fault. */
function refusalsOf(alone: readonly (() => unknown)[], all: () => unknown): readonly UsageError[] {
  const refusals = alone.flatMap(refusalOf);
  return refusals.length > 0 ? refusals : refusalOf(all);
}

function refusalOf(check: () => unknown): UsageError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof UsageError) return [error];
    throw error;
  }
}

function findingOf(
  { at }: Deployment,
  role: NamedTask['role'],
  { code, field = '', expected = '', got = '' }: UsageError,
  lineOf: (field: string) => string = (same) => same,
): Finding {
  const line = `${role}.${lineOf(field)}`;
  const message = `${line}: expected ${expected}, got ${got}`;
  return failure('settings', message, mendOf(code, line, expected), at(line));
}

function mendOf(code: string, line: string, expected: string): string {
  if (code === 'tls-required') {
    return 'write host: 127.0.0.1, or give tls with certificate and key, or name the proxy that ends TLS in trustProxy';
  }
  if (line === 'coordinator.exportRounds') {
    return 'name a folder in resultsDir, or take exportRounds out';
  }
  if (/^registrar\.tokens\[\d+\]\.keys/.test(line)) return JWKS_MEND;
  if (line.startsWith('coordinator.manifests')) return 'write each manifest once';
  if (line === 'registrar.tokens') return 'write each issuer once, with all its keys in one file';
  return `write ${expected}`;
}

const JWKS_MEND =
  'name the file of the issuer\'s public keys, a JWK Set: {"keys": [{"kty": …}, …]}, without any private part';

/** With their keys, as the registrar reads them; that a file is not there is said of all files. */
function issuersOf(deployment: Deployment) {
  const issuers: TokenIssuer[] = [];
  const findings: Finding[] = [];
  (deployment.configuration.registrar.tokens ?? []).forEach((lines, i) => {
    try {
      issuers[i] = { ...lines, keys: readJson(lines.keys) as TokenIssuer['keys'] };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const line = `registrar.tokens[${i}].keys`;
      if (error.code === 'file-unreadable') return;
      findings.push(
        failure('settings', `${line}: ${error.message}`, JWKS_MEND, deployment.at(line)),
      );
    }
  });
  return { issuers, findings };
}

function tasksOf(tasks: readonly NamedTask[], role: NamedTask['role']) {
  return tasks.filter((each) => each.role === role).map(({ task }) => task);
}

/** Those that are none are found with all proxies. */
function proxiesOf(admin: { readonly trustProxy?: readonly string[] } | undefined) {
  return admin?.trustProxy === undefined ? {} : { trustProxy: admin.trustProxy.filter(isProxy) };
}

/** Each line of a mapping, in one of its own. */
function linesOf<T extends object>(lines: T | undefined): Partial<T>[] {
  return Object.entries(lines ?? {}).map(([name, value]) => ({ [name]: value }) as Partial<T>);
}
