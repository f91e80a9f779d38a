/**
 * The admin API and the dashboard as one HTTP application.
 * Knows: HTTP, the order of checks. Doesn't know: sockets, what routes do.
 * Invariant: every route goes through the same checks in the same order: rate, connection, token, permission,
 * form, task, scope, body; what is refused for its token or its role is in the audit log, without an address, and
 * only counted where no token was known.
 */
import { describe } from '@onlysum/crypto';
import type { HttpBindings } from '@hono/node-server';
import {
  type AuditEvent,
  type AuditTally,
  clientOf,
  limitedAs,
  takeTogether,
  TokenBuckets,
  type TokenRecord,
} from '@onlysum/service';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import * as v from 'valibot';
import { errorFields } from '../log.js';
import { authenticate, endedToken, requirePermission, requireTask } from './access.js';
import type { AdminSettings } from './admin-options.js';
import { requirePrivate } from './connection.js';
import type { Dashboard } from './dashboard.js';
import { KnownTasks } from './known-tasks.js';
import { LastKnown } from './last-known.js';
import { Patience } from './patience.js';
import { RecentAccesses } from './recent-accesses.js';
import { errorBody, type Refusal, refusalOf, refuse } from './refusal.js';
import {
  API_BASE,
  type AdminPorts,
  type AuditDetails,
  type Call,
  type KnownTask,
  type Route,
  Streamed,
} from './route.js';
import { ROUTES } from './routes.js';
import { textStream } from './text-stream.js';

type AdminContext = Context<{ Bindings: HttpBindings }>;

export const BODY_BYTES = 64 * 1024;
/** Wrong tokens a minute that are still answered, and counted: by address, and in all. */
const WRONG_PER_ADDRESS = 30;
const WRONG_IN_ALL = 600;
/** For the store, where a route works without it: longer than one that answers takes. */
const PATIENCE_MS = 500;
/** In the audit log, for who had no token. */
const NOBODY = 'nobody';

const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
  // No sink that takes markup takes any, and nobody makes a policy that would let it.
  requireTrustedTypesFor: ["'script'"],
  trustedTypes: ["'none'"],
};

/**
 * @param refusals - of who had no token.
 * @param closing - ends what streams.
 */
export function adminApp(
  ports: AdminPorts,
  settings: Pick<AdminSettings, 'proxies' | 'rateLimits'>,
  dashboard: Dashboard,
  refusals: AuditTally,
  closing: AbortSignal,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const clock = () => performance.now();
  const byAddress = new TokenBuckets(settings.rateLimits.requestsPerMinutePerAddress, clock);
  const byToken = new TokenBuckets(settings.rateLimits.requestsPerMinute, clock);
  const wrongByAddress = new TokenBuckets(WRONG_PER_ADDRESS, clock);
  const wrong = new TokenBuckets(WRONG_IN_ALL, clock);
  const known = new KnownTasks(ports.store, ports.suite);
  const lastKnown = new LastKnown(ports.store, known, ports.now);
  void lastKnown.follow(closing);
  const recent = new RecentAccesses(ports.now);
  const headers = { plain: headersFor(false), secure: headersFor(true) };
  const client = (c: AdminContext) => clientOf(c.env.incoming, settings.proxies);

  const answer = async (c: AdminContext, route: Route): Promise<Response> => {
    const authorization = c.req.header('authorization');
    let token: TokenRecord | undefined;
    let task: KnownTask | undefined;
    const patience = new Patience(PATIENCE_MS);
    const last = lastKnown.within(patience);
    try {
      if (route.permissions !== 'none') {
        const tokens = route.worksWithoutStore ? last : ports.store;
        token = await authenticate(tokens, ports.suite, authorization, ports.now());
        requireRate(byToken.take(token.id));
        requirePermission(token, route);
      }
      const params = parse(route.params, c.req.param(), '');
      const query = parse(route.query, queryOf(c), '');
      if (route.scope === 'task') {
        const tasks = route.worksWithoutStore ? last : known;
        task = await findTask(tasks, { ...query, ...params });
        if (token !== undefined) requireTask(token, route, task.record.name);
      } else if (route.scope === 'all' && token !== undefined) requireTask(token, route);
      const body = route.body === undefined ? undefined : await bodyOf(c, route.body);
      const signal = AbortSignal.any([c.req.raw.signal, closing]);
      const audit = (action: string, subject: string | undefined, details: AuditDetails) =>
        ports.store.appendAudit([
          {
            ...{ action, actor: token?.id ?? NOBODY, outcome: 'done' },
            ...(subject === undefined ? {} : { subject }),
            details: { ...details, ...(token === undefined ? {} : { role: token.role }) },
          },
        ]);
      const auditOnce: Call['auditOnce'] = (access, action, details) =>
        recent.once(`${token?.id ?? NOBODY} ${access}`, () => audit(action, undefined, details));
      const asked = { token, task, params, query, body };
      // A route gets what its declaration asks for; the types of `route()` say the same.
      const call = { ...asked, ports, patience, signal, audit, auditOnce } as unknown as Call;
      return await respond(c, route, await route.run(call), ports);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.status !== 401 && refusal.status !== 403) throw refusalOrBug(error, refusal);
      if (token === undefined && refusal.status === 401) {
        const from = limitedAs(client(c).address);
        requireRate(takeTogether([wrongByAddress, from], [wrong, '']));
      }
      const actor = token?.id ?? endedToken(refusal, authorization);
      if (actor === undefined) refusals.add(refusedNobody(refusal));
      else await recordRefusal(ports, route, refusal, actor, task);
      throw refusal;
    }
  };

  app.use(async (c, next) => {
    await (client(c).isSecure ? headers.secure : headers.plain)(c, next);
  });
  app.use(async (c, next) => {
    requireRate(byAddress.take(limitedAs(client(c).address)));
    requirePrivate(c.env.incoming, settings.proxies);
    await next();
  });
  app.use(`${API_BASE}/*`, async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  app.use(`${API_BASE}/*`, bodyLimit({ maxSize: BODY_BYTES, onError: tooLarge }));
  for (const [path, routes] of byPath()) {
    app.all(path, (c) => {
      const route = routes.find(({ method }) => method === c.req.raw.method);
      if (route === undefined)
        throw wrongMethod(
          c,
          routes.map(({ method }) => method),
        );
      return answer(c, route);
    });
  }
  app.notFound((c) => {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const file = isRead ? dashboard.answer(c.req.path, c.req.header('if-none-match')) : undefined;
    // A response of its own would lack the headers that are set on this one.
    if (file !== undefined) return c.newResponse(file.body, file);
    if (!isRead && !c.req.path.startsWith(API_BASE)) throw wrongMethod(c, ['GET']);
    throw refuse('not-found', 404, 'no such path');
  });
  app.onError((error, c) => {
    const refusal = refusalOf(error);
    if (refusal.status === 500) ports.log.error(errorFields(error), 'an admin request failed');
    return c.json(errorBody(refusal), refusal.status, { ...refusal.headers });
  });
  return app;
}

function headersFor(isSecure: boolean) {
  return secureHeaders({
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
    strictTransportSecurity: isSecure ? 'max-age=31536000' : false,
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [], usb: [] },
  });
}

/** By path as hono spells it. */
function byPath(): Map<string, readonly Route[]> {
  const paths = new Map<string, readonly Route[]>();
  for (const route of ROUTES) {
    const path = `${API_BASE}${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
    paths.set(path, [...(paths.get(path) ?? []), route]);
  }
  return paths;
}

/** @throws {Refusal} 429 `rate-limited`. */
function requireRate(waitMs: number): void {
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1000);
  const headers = { 'Retry-After': String(seconds) };
  const message = `too many requests: try again in ${seconds} s`;
  throw refuse('rate-limited', 429, message, { retryable: true, headers });
}

function wrongMethod(c: AdminContext, allowed: readonly string[]): Refusal {
  const Allow = [...new Set(allowed)].join(', ');
  const message = `method: expected ${Allow}, got ${c.req.raw.method}`;
  return refuse('method-not-allowed', 405, message, { headers: { Allow } });
}

function tooLarge(): never {
  throw refuse('body-too-large', 413, `body: expected at most ${BODY_BYTES} bytes, got more`);
}

function queryOf(c: AdminContext): Record<string, unknown> {
  // A name that comes twice is an array, which no field takes.
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => {
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

async function bodyOf(c: AdminContext, schema: v.GenericSchema): Promise<unknown> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    const expected = 'application/json';
    const got = type === undefined ? 'none' : describe(type);
    const message = `Content-Type: expected ${expected}, got ${got}`;
    throw refuse('content-type', 415, message, { expected, got });
  }
  const text = await c.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('request-invalid', 400, 'body: expected JSON, got something else', {
      field: 'body',
    });
  }
  return parse(schema, value, 'body');
}

/** @returns undefined without a schema, whatever came. @throws {Refusal} 400 `request-invalid`. */
function parse<S extends v.GenericSchema>(
  schema: S | undefined,
  value: unknown,
  where: string,
): v.InferOutput<S> | undefined {
  if (schema === undefined) return undefined;
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const field = [...(where === '' ? [] : [where]), ...path].join('.') || 'query';
  const expected =
    issue.expected === 'never' ? 'no such field' : (issue.expected ?? 'another form');
  const got = describe(issue.input);
  const message = `${field}: expected ${expected}, got ${got}`;
  throw refuse('request-invalid', 400, message, {
    field: describe(field).slice(1, -1),
    expected,
    got,
  });
}

async function findTask(
  tasks: Pick<KnownTasks, 'task'>,
  from: { readonly taskId?: unknown; readonly task?: unknown },
): Promise<KnownTask> {
  const id = String(from.taskId ?? from.task);
  const task = await tasks.task(id);
  if (task !== undefined) return task;
  throw refuse('not-found', 404, `task: this coordinator has served none with the id ${id}`, {
    field: 'task',
  });
}

async function respond(
  c: AdminContext,
  route: Route,
  made: unknown,
  { log }: AdminPorts,
): Promise<Response> {
  if (made instanceof Response) {
    return c.newResponse(made.body, made);
  }
  if (!(made instanceof Streamed)) return c.json(made as object, route.status);
  const body = await textStream(made.chunks, (error) => {
    log.error({ route: route.name, ...errorFields(error) }, 'an admin answer broke off');
    c.env.outgoing.destroy();
  });
  const charset = made.contentType === 'text/csv' ? '; charset=utf-8; header=present' : '';
  c.header('Content-Type', `${made.contentType}${charset}`);
  if (made.fileName !== undefined) {
    c.header('Content-Disposition', `attachment; filename="${made.fileName}"`);
  }
  return c.body(body);
}

/** What is no refusal goes on as it is, so that the log says what failed. */
function refusalOrBug(error: unknown, refusal: Refusal): unknown {
  return refusal.status === 500 ? error : refusal;
}

/** Without the route: anybody can cause it on all of them. */
function refusedNobody({ code }: Refusal): AuditEvent {
  return { action: 'access.refused', actor: NOBODY, outcome: 'refused', details: { code } };
}

async function recordRefusal(
  { store, log }: AdminPorts,
  { name }: Route,
  { code }: Refusal,
  actor: string,
  task: KnownTask | undefined,
): Promise<void> {
  try {
    await store.appendAudit([
      {
        ...{ action: 'access.refused', actor, outcome: 'refused' },
        ...(task === undefined ? {} : { subject: task.record.taskId }),
        details: { route: name, code },
      },
    ]);
  } catch (error) {
    // It is refused all the same.
    log.error({ route: name, refusal: code, ...errorFields(error) }, 'refusal not recorded');
  }
}
