/**
 * The one description of onlysum.yaml: names, forms, and what each line is for. Parsing, types and the JSON
 * Schema for editors all come from it. Knows: forms. Doesn't know: flags, defaults, files.
 * Invariant: the message of every action is what was expected, and nothing of what came.
 */
import { resolve } from 'node:path';
import type { Limits } from '@onlysum/coordinator';
import { DEFAULT_DURATIONS, LEAST_RETENTION_MS } from '@onlysum/protocol';
import type { RateLimits, RegistrarLimits, TokenAlgorithm, TokenLimits } from '@onlysum/registrar';
import { REGISTRAR_URL_FORM, registrarBase } from '@onlysum/task';
import * as v from 'valibot';

/** Of both servers, pino's. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A licence issuer signs with a private key; a secret shared with it would let us sign as well. */
const TOKEN_ALGORITHMS = {
  EdDSA: true,
  ES256: true,
  RS256: true,
  PS256: true,
} satisfies Record<TokenAlgorithm, true>;

const REGISTRAR_LIMITS = {
  requestBytes: true,
  jsonBytes: true,
  headersTimeoutMs: true,
  requestTimeoutMs: true,
  keepAliveTimeoutMs: true,
  connections: true,
} satisfies Record<keyof RegistrarLimits, true>;

const RATE_LIMITS = {
  requestsPerMinute: true,
  requestsPerMinutePerAddress: true,
} satisfies Record<keyof RateLimits, true>;

const COORDINATOR_LIMITS = {
  connections: true,
  connectionsPerAddress: true,
  helloTimeoutMs: true,
  frameBytes: true,
  waitingMessages: true,
  messagesPerConnection: true,
  pingIntervalMs: true,
  closeTimeoutMs: true,
  uploadCredits: true,
} satisfies Record<keyof Limits, true>;

/** Lines whose values are never shown: a secret may stand where its source should. */
export const UNSHOWN_LINES: readonly string[] = [
  'coordinator.resultsKey',
  'coordinator.store',
  'registrar.store',
];

/** @param directory - what the paths in the file are relative to; those that come out are absolute. */
export function configurationSchema(directory: string) {
  // What comes after a transformation is not in the JSON Schema.
  const path = (what: string) =>
    v.pipe(
      text('a path'),
      v.description(what),
      v.transform((given) => resolve(directory, given)),
    );
  const paths = list(path('One file.'), 'a list of at least one path');
  const store = v.union(
    [
      v.pipe(
        path('Folder of an lmdb store.'),
        v.transform((lmdb) => ({ lmdb })),
      ),
      oneOf({
        lmdb: path('Folder of an lmdb store.'),
        postgres: described(
          'A PostgreSQL database, by its URL or by the environment variable that holds it.',
          oneOf({ url: POSTGRES_URL, environment: ENVIRONMENT }),
        ),
      }),
    ],
    'a path, or lines of lmdb, postgres',
  );
  const keySource = oneOf({
    file: path('File that holds the key.'),
    environment: described('Environment variable that holds the key.', ENVIRONMENT),
    command: described(
      'Program, with its arguments, that prints the key.',
      list(text('a text'), 'a list of a program and its arguments'),
    ),
  });
  const keySources = v.union(
    [
      v.pipe(
        keySource,
        v.transform((source) => [source]),
      ),
      list(keySource, 'a list of at least one key source'),
    ],
    'lines of file, environment, command, or a list of such',
  );
  const tls = lines({
    certificate: path('PEM, the chain from the server to an intermediate.'),
    key: path('PEM, readable by its owner only.'),
  });
  const rateLimits = integers(keysOf(RATE_LIMITS));
  const algorithms = keysOf(TOKEN_ALGORITHMS);
  const trustProxy = described(
    'Addresses, or networks such as 10.0.0.0/8, of proxies whose word on a client is taken.',
    list(text('a text'), 'a list of at least one address'),
  );
  const positive = integer(1, Number.MAX_SAFE_INTEGER);
  const tokenLimits = lines({
    devices: optional('Most devices that a licence may enrol.', positive),
    maxAgeMs: optional('Oldest token that is taken.', positive),
    clockToleranceMs: optional(
      'By how much clocks may differ.',
      integer(0, Number.MAX_SAFE_INTEGER),
    ),
  } satisfies Record<keyof TokenLimits, unknown>);
  const metrics = described('Whether /metrics answers, in the format of Prometheus.', TRUTH);
  const host = described('Address to listen on.', text('a text'));
  const port = described('Port, 0 for any.', integer(0, 65_535));
  const manifests = described('Signed manifests.', paths);

  return lines({
    coordinator: optional(
      'The server that adds masked inputs and opens only the total.',
      lines({
        host: v.exactOptional(host),
        port: v.exactOptional(port),
        key: v.exactOptional(path('Key file of the coordinator.')),
        registrarUrl: optional('Where the registrar is.', REGISTRAR_URL),
        resultsDir: v.exactOptional(path('Folder for one JSON file a round.')),
        manifests: v.exactOptional(manifests),
        durations: optional('Of the stages of a round.', integers(keysOf(DEFAULT_DURATIONS))),
        limits: optional('What devices may use.', integers(keysOf(COORDINATOR_LIMITS))),
        store: optional('Where rounds and results are kept.', store),
        resultsKey: optional(
          'Keys that results are sealed with: the first seals, the rest open older ones.',
          keySources,
        ),
        exportRounds: optional('Whether what anyone needs to open a sum again is kept.', TRUTH),
        admin: optional(
          'The listener for operators, apart from that of devices.',
          lines({
            host,
            port,
            tls: optional('Its certificate.', tls),
            trustProxy: v.exactOptional(trustProxy),
            rateLimits: v.exactOptional(rateLimits),
          }),
        ),
        tls: optional('Certificate of the listener for devices.', tls),
        trustProxy: v.exactOptional(trustProxy),
        overSelection: optional(
          'Whether cohorts close larger by what recent rounds lost, so that cohort.target devices stay.',
          TRUTH,
        ),
        metrics: v.exactOptional(metrics),
      }),
    ),
    registrar: optional(
      'The notary that attests who takes part, who shared keys and who survived.',
      lines({
        host: v.exactOptional(host),
        port: v.exactOptional(port),
        key: v.exactOptional(path('Key file of the registrar.')),
        previousKeys: optional('Key files from before a rotation, while both hold.', paths),
        store: optional('Where enrolments and attestations are kept.', store),
        epochLengthMs: optional('Length of an epoch.', integer(1000, Number.MAX_SAFE_INTEGER)),
        manifests: v.exactOptional(manifests),
        tokens: optional(
          'Issuers whose licence tokens enrol a device.',
          list(
            lines({
              issuer: described('What the claim iss must be.', text('a text')),
              audience: described('What the claim aud must name.', text('a text')),
              keys: path("The issuer's public keys, a file of JWKS."),
              algorithms: described(
                'What it may sign with.',
                list(
                  v.picklist(algorithms, `one of ${algorithms.join(', ')}`),
                  'a list of at least one algorithm',
                ),
              ),
            }),
            'a list of at least one issuer',
          ),
        ),
        tokenLimits: optional('What is taken of these issuers.', tokenLimits),
        rateLimits: v.exactOptional(rateLimits),
        trustProxy: v.exactOptional(trustProxy),
        ledgerRetentionDays: optional(
          "Days for which a window's rounds are kept after its end.",
          integer(LEAST_RETENTION_MS / DAY_MS, MOST_DAYS),
        ),
        auditRetentionDays: optional(
          'Days for which entries of the audit log are kept.',
          integer(1, MOST_DAYS),
        ),
        limits: optional('What clients may use.', integers(keysOf(REGISTRAR_LIMITS))),
        metrics: v.exactOptional(metrics),
      }),
    ),
    device: optional(
      'For the commands "onlysum device …".',
      lines({
        manifest: v.exactOptional(path('Signed manifest.')),
        publisher: optional("The publisher's key, hex.", text('a text')),
        registrarUrl: optional('Where the registrar is.', REGISTRAR_URL),
        store: v.exactOptional(path("Folder of the device's record.")),
      }),
    ),
    log: optional(
      'Of both servers, to standard error.',
      lines({
        level: optional(
          'The finest that is written.',
          v.picklist(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`),
        ),
      }),
    ),
  });
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;

const TRUTH = v.boolean('true or false');

const ENVIRONMENT = v.pipe(
  v.string('the name of an environment variable'),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable'),
);

const POSTGRES_URL = v.pipe(
  v.string('a URL of the form postgres://…'),
  v.regex(/^postgres(ql)?:\/\/./, 'a URL of the form postgres://…'),
);

const REGISTRAR_URL = v.pipe(
  v.string(REGISTRAR_URL_FORM),
  v.check((url) => registrarBase(url) !== undefined, REGISTRAR_URL_FORM),
);

function text(expected: string) {
  return v.pipe(v.string(expected), v.nonEmpty(expected));
}

function integer(least: number, most: number) {
  const range = most === Number.MAX_SAFE_INTEGER ? `≥ ${least}` : `from ${least} to ${most}`;
  const expected = `an integer ${range}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
}

function list<S extends v.GenericSchema>(item: S, expected: string) {
  return v.pipe(v.array(item, expected), v.minLength(1, expected));
}

type Optional<K extends string, S extends v.GenericSchema> = Record<
  K,
  v.ExactOptionalSchema<S, undefined>
>;

/** All positive. */
function integers<K extends string>(names: readonly K[]) {
  const positive = v.exactOptional(integer(1, Number.MAX_SAFE_INTEGER));
  const entries = Object.fromEntries(names.map((name) => [name, positive]));
  return lines(entries as Optional<K, ReturnType<typeof integer>>);
}

/** One of the lines, with what it says. */
type OneOf<E extends Record<string, v.GenericSchema>> = {
  [K in keyof E]: { readonly [P in K]: v.InferOutput<E[P]> };
}[keyof E];

/** Lines of which exactly one must be there. */
function oneOf<E extends Record<string, v.GenericSchema>>(entries: E) {
  const optional = Object.entries(entries).map(([name, line]) => [name, v.exactOptional(line)]);
  return v.pipe(
    lines(Object.fromEntries(optional) as v.ObjectEntries),
    v.entries(1, `exactly one line of ${Object.keys(entries).join(', ')}`),
    v.transform((line) => line as OneOf<E>),
  );
}

type Mapping<E extends v.ObjectEntries> = v.GenericSchema<
  v.InferInput<v.ObjectSchema<E, undefined>>,
  v.InferOutput<v.ObjectSchema<E, undefined>>
>;

/** Valibot skips these among names it does not know. */
const SKIPPED_NAMES = ['__proto__', 'constructor', 'prototype'];

/** A mapping that has no other names. One that is left empty is null in YAML, and means no lines. */
function lines<E extends v.ObjectEntries>(entries: E): Mapping<E> {
  const names = Object.keys(entries).join(', ');
  const expected = `lines of ${names}`;
  const unknown = v.never(`only ${names}`);
  // A strict object would report the first unknown name only.
  const schema = v.objectWithRest(entries, unknown, ({ received }) =>
    received === 'undefined' ? 'this line' : expected,
  );
  const run = (dataset: v.UnknownDataset, config: v.Config<v.BaseIssue<unknown>>) => {
    // To valibot, an array is an object.
    const input = Array.isArray(dataset.value) ? '' : (dataset.value ?? {});
    const output = schema['~run']({ ...dataset, value: input }, config);
    const issues = [...(output.issues ?? [])] as v.BaseIssue<unknown>[];
    for (const issue of issues) {
      if (issue.path === undefined) Object.assign(issue, { input: dataset.value });
    }
    for (const key of SKIPPED_NAMES.filter((name) => Object.hasOwn(Object(input), name))) {
      const [issue] = unknown['~run']({ value: key }, config).issues ?? [];
      const path = [{ type: 'object', origin: 'key', input, key, value: key }];
      if (issue !== undefined) issues.push(Object.assign(issue, { path }));
    }
    return issues.length === 0 ? output : { ...output, issues };
  };
  return { ...schema, '~run': run } as unknown as Mapping<E>;
}

function described<S extends v.GenericSchema>(what: string, schema: S) {
  return v.pipe(schema, v.description(what));
}

function optional<S extends v.GenericSchema>(what: string, schema: S) {
  return v.exactOptional(described(what, schema));
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[];
}
