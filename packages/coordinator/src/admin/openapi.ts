/**
 * The OpenAPI 3.1 document of the admin API. Knows: routes and their valibot schemas.
 * Doesn't know: HTTP servers. Invariant: it says what the server checks, since both come from the same schemas.
 */
import {
  type ConversionConfig,
  type JsonSchema,
  toJsonSchema,
  toJsonSchemaDefs,
} from '@valibot/to-json-schema';
import * as v from 'valibot';
import { estimate, groupResult, metricResult, ratio, windowResult } from './estimate-schema.js';
import { API_BASE, JSON_TYPE, type Route } from './route.js';
import * as schema from './schema.js';

/** By the names they have in the document. */
const COMPONENTS = {
  Error: schema.error,
  Estimate: estimate,
  RatioEstimate: ratio,
  MetricResult: metricResult,
  GroupResult: groupResult,
  WindowEstimates: windowResult,
  Privacy: schema.privacyPromise,
  Task: schema.task,
  Token: schema.token,
  AuditEntry: schema.auditEntry,
  TidyRow: schema.tidyRow,
  Window: schema.window,
  WindowDetail: schema.windowDetail,
  WindowResult: schema.windowResultBody,
  Dictionary: schema.dictionary,
  PrivacyReport: schema.privacyBody,
  LiveRound: schema.liveRound,
} satisfies Record<string, GenericSchema>;

type GenericSchema = v.GenericSchema;

const CONFIG = {
  target: 'draft-2020-12',
  typeMode: 'input',
  errorMode: 'throw',
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  // OpenAPI reads patterns as Unicode; that they have the flag makes no difference.
  overrideAction: ({ valibotAction, jsonSchema }) =>
    valibotAction.type === 'regex'
      ? { ...jsonSchema, pattern: (valibotAction as RegexAction).requirement.source }
      : undefined,
} as const satisfies ConversionConfig;

type RegexAction = v.RegexAction<string, undefined>;

const REFUSALS: Readonly<Record<string, string>> = {
  400: 'The request is not what this document says.',
  401: 'No token, or none that holds.',
  403: "The token's role or tasks do not allow it.",
  404: 'There is no such thing.',
  409: 'Something else stands there or is under way, or what it needs is not configured.',
  413: 'The body is larger than 64 KiB.',
  415: 'The body is not JSON.',
  429: 'Too many requests, or open streams: try again after `Retry-After` seconds.',
  503: 'The store or a key cannot be reached: try again.',
};

export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Onlysum coordinator, admin API',
      version: '1',
      description:
        'For operators, analysts, auditors and privacy officers. Every access to a result and every refusal is in the audit log. Times are Unix milliseconds.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_BASE }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'onlysum_<id>_<secret>' },
      },
      schemas: toJsonSchemaDefs(COMPONENTS, CONFIG),
    },
  };
}

function operation(route: Route): object {
  const { name, summary, permissions, body, status, responses } = route;
  const isPublic = permissions === 'none';
  const needed = typeof permissions === 'string' ? [] : permissions;
  const refusals = Object.entries(REFUSALS).filter(([code]) => canBe(Number(code), route));
  return {
    operationId: name,
    summary,
    ...(needed.length === 0 ? {} : { description: `Permission: ${needed.join(' or ')}.` }),
    'x-permissions': needed,
    ...(isPublic ? { security: [] } : {}),
    parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: {
      [status]: {
        description: status === 201 ? 'Made.' : 'As asked for.',
        content: Object.fromEntries(
          Object.entries(responses).map(([type, of]) => [type, of === undefined ? {} : media(of)]),
        ),
      },
      ...Object.fromEntries(
        refusals.map(([code, description]) => [code, { description, content: json(schema.error) }]),
      ),
    },
  };
}

function canBe(status: number, route: Route): boolean {
  const { method, permissions, scope, params, query, body } = route;
  if (status === 401) return permissions !== 'none';
  if (status === 403) return typeof permissions !== 'string';
  if (status === 409) return method === 'POST';
  if (status === 404) return params !== undefined || scope === 'task';
  if (status === 400) return [params, query, body].some((each) => each !== undefined);
  return (status !== 413 && status !== 415) || body !== undefined;
}

function parameters(where: 'path' | 'query', fields: Route['params']): object[] {
  return Object.entries(fields?.entries ?? {}).map(([name, of]) => {
    const isRequired = where === 'path' || of.type !== 'exact_optional';
    const { json } = v.getMetadata(inner(of) as Described) as { json?: object };
    const schema = json ?? jsonSchema(of);
    return { name, in: where, required: isRequired, schema };
  });
}

type Described = Parameters<typeof v.getMetadata>[0];

function inner(of: object): object {
  return 'wrapped' in of ? (of.wrapped as object) : of;
}

function json(of: GenericSchema): object {
  return { [JSON_TYPE]: media(of) };
}

function media(of: GenericSchema): object {
  return { schema: jsonSchema(of) };
}

function jsonSchema(of: GenericSchema): JsonSchema {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(of, {
    ...CONFIG,
    definitions: COMPONENTS,
  });
  return rest;
}
