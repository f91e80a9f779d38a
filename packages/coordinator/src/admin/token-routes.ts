/** API tokens, handed out and taken back. */
import * as v from 'valibot';
import { JSON_TYPE, type Route, route } from './route.js';
import * as schema from './schema.js';
import { createToken, listTokens, revokeToken } from './tokens.js';

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tokens',
    name: 'listTokens',
    summary: 'All tokens that were made, the newest first, without what would open anything.',
    permissions: ['token.manage'],
    scope: 'all',
    responses: { [JSON_TYPE]: schema.tokenList },
    run: async (call) => {
      await call.auditOnce('tokens', 'token.listed', {});
      return listTokens(call.ports.store);
    },
  }),
  route({
    method: 'POST',
    path: '/tokens',
    name: 'createToken',
    summary: 'Makes a token. It is in this answer and nowhere else.',
    permissions: ['token.manage'],
    scope: 'all',
    body: schema.newToken,
    status: 201,
    responses: { [JSON_TYPE]: schema.madeToken },
    run: async ({ ports: { store, suite, rng, now }, token: { id: actor }, body }) => {
      const context = { store, suite, rng, nowMs: now(), actor };
      const { token, view } = await createToken(context, body);
      return { token, ...view };
    },
  }),
  route({
    method: 'DELETE',
    path: '/tokens/{id}',
    name: 'revokeToken',
    summary: 'Revokes a token: it opens nothing from now on.',
    permissions: ['token.manage'],
    scope: 'all',
    params: v.strictObject({ id: schema.tokenIdText }),
    responses: { [JSON_TYPE]: schema.token },
    run: ({ ports: { store, now }, token: { id: actor }, params }) =>
      revokeToken({ store, nowMs: now(), actor }, params.id),
  }),
];
