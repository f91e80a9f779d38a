/** The document that describes the API, by the API. */
import { openApiDocument } from './openapi.js';
import { JSON_TYPE, type Route, route } from './route.js';

/** @param others - all routes but this one. */
export function documentRoute(others: readonly Route[]): Route {
  let document: object | undefined;
  const own: Route = route({
    method: 'GET',
    path: '/openapi.json',
    name: 'openapi',
    summary: 'This document. It is public.',
    permissions: 'none',
    scope: 'own',
    responses: { [JSON_TYPE]: undefined },
    run: async () => (document ??= openApiDocument([...others, own])),
  });
  return own;
}
