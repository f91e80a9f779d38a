/**
 * The registrar's HTTP API. Knows: routes, bodies, statuses, limits. Doesn't know: sockets, what is
 * allowed. Every answer but those of /v1/attest and /metrics is JSON.
 *
 * Rates are limited for the load, not against guessing: a code has 96 random bits. Behind the proxy with TLS
 * that this server needs, all clients have the proxy's address unless the registrar is told to trust it.
 */
import type { HttpBindings } from '@hono/node-server';
import { UsageError, toHex } from '@onlysum/crypto';
import {
  TokenBuckets,
  type TrustedProxies,
  clientOf,
  limitedAs,
  takeTogether,
} from '@onlysum/service';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { errorFields } from '../log.js';
import type { Registrar } from '../registrar.js';
import {
  announcementJson,
  certificateJson,
  parseEnrolBody,
  parseRecertifyBody,
  parseRenewBody,
  revocationsJson,
  wantedKey,
} from './bodies.js';
import { HttpError, errorBody, statusOf } from './errors.js';
import type { RegistrarLimits } from './limits.js';
import type { RateLimited, RateLimits } from './rate-limit.js';

type Env = { Bindings: HttpBindings };

const BYTES = 'application/octet-stream';
const JSON_TYPE = 'application/json';

export interface AppSettings {
  readonly limits: RegistrarLimits;
  readonly rateLimits: RateLimits;
  /** Proxies that are believed about whom they had a request from. */
  readonly proxies: TrustedProxies;
  readonly now: () => number;
}

/** @param metrics - undefined: there is no such path. */
export function registrarApp(
  registrar: Registrar,
  settings: AppSettings,
  logger: Logger,
  metrics?: Registry,
): Hono<Env> {
  const app = new Hono<Env>();
  const { limits } = settings;
  const limited = rateLimiting(settings);
  const json = bodyLimit({ maxSize: limits.jsonBytes, onError: () => tooLarge(limits.jsonBytes) });
  const bytes = bodyLimit({
    maxSize: limits.requestBytes,
    onError: () => tooLarge(limits.requestBytes),
  });

  app.use(secureHeaders());
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store');
  });
  app.get('/healthz', (c) => c.json(registrar.health()));
  app.get('/readyz', (c) => {
    const readiness = registrar.readiness();
    return c.json(readiness, readiness.status === 'ready' ? 200 : 503);
  });
  if (metrics !== undefined) {
    app.get('/metrics', async (c) => {
      return c.body(await metrics.metrics(), 200, { 'content-type': metrics.contentType });
    });
  }
  app.get('/v1/key', (c) => {
    const { publicKey, previousKeys, epochLengthMs } = registrar;
    const previous = previousKeys.map(toHex);
    return c.json({ publicKey: toHex(publicKey), previousKeys: previous, epochLengthMs });
  });
  app.get('/v1/revocations', limited('revocations'), (c) => {
    const { registrar: key } = wantedKey(c.req.query('registrar'));
    return c.json(revocationsJson(registrar.revocations(key)));
  });
  app.get('/v1/tasks/:taskId/window', limited('window'), async (c) =>
    c.json(announcementJson(await registrar.announcement(c.req.param('taskId')))),
  );
  app.post('/v1/attest', limited('attest'), bytes, async (c) => {
    checkType(c, BYTES);
    const request = new Uint8Array(await c.req.arrayBuffer());
    const answer = await registrar.attest(request);
    return c.body(new Uint8Array(answer), 200, { 'content-type': BYTES });
  });
  app.post('/v1/enrol', limited('enrol'), json, async (c) => {
    checkType(c, JSON_TYPE);
    return c.json(certificateJson(await registrar.enrol(parseEnrolBody(await c.req.text()))));
  });
  app.post('/v1/renew', limited('renew'), json, async (c) => {
    checkType(c, JSON_TYPE);
    return c.json(certificateJson(await registrar.renew(parseRenewBody(await c.req.text()))));
  });
  app.post('/v1/recertify', limited('renew'), json, async (c) => {
    checkType(c, JSON_TYPE);
    const request = parseRecertifyBody(await c.req.text());
    return c.json(certificateJson(await registrar.recertify(request)));
  });
  app.notFound((c) => {
    const what = `${c.req.method} ${c.req.path}`;
    const message = `${what.slice(0, 100)}: no such resource`;
    return c.json(errorBody(new HttpError(404, new UsageError('not-found', message))), 404);
  });
  app.onError((error, c) => {
    const status = statusOf(error);
    const body = errorBody(error);
    if (status >= 500) logger.error({ path: c.req.path, ...errorFields(error) }, 'request failed');
    else logger.info({ path: c.req.path, status, refused: body.error.code }, 'request refused');
    return c.json(body, status);
  });
  return app;
}

/** Before the body is read. */
function rateLimiting({ rateLimits, proxies, now }: AppSettings) {
  const byAddress = new TokenBuckets(rateLimits.requestsPerMinutePerAddress, now);
  const inAll = new TokenBuckets(rateLimits.requestsPerMinute, now);
  return (kind: RateLimited): MiddlewareHandler<Env> =>
    async (c, next) => {
      const from = limitedAs(clientOf(c.env.incoming, proxies).address);
      const waitMs = takeTogether([byAddress, `${kind} ${from}`], [inAll, kind]);
      if (waitMs > 0) {
        c.header('retry-after', String(Math.ceil(waitMs / 1000)));
        throw rateLimited(kind);
      }
      await next();
    };
}

function rateLimited(kind: RateLimited): HttpError {
  const message = `${kind}: too many requests at the moment; try again after Retry-After`;
  return new HttpError(429, new UsageError('rate-limited', message, { retryable: true }));
}

function checkType(c: Context<Env>, expected: string): void {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === expected) return;
  const field = 'content-type';
  const message = `${field}: expected ${expected}, got ${type?.slice(0, 60) ?? 'nothing'}`;
  throw new HttpError(415, new UsageError('content-type', message, { field, expected }));
}

function tooLarge(limit: number): never {
  const expected = `at most ${limit} bytes`;
  const details = { field: 'body', expected };
  throw new HttpError(413, new UsageError('body-too-large', `body: expected ${expected}`, details));
}
