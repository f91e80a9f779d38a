import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../packages/coordinator/src/admin/openapi.js';
import { API_BASE } from '../../packages/coordinator/src/admin/route.js';
import { ROUTES } from '../../packages/coordinator/src/admin/routes.js';
import { startAdminFleet } from './admin-fleet.js';

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string; schema: object }[];
  readonly responses: Readonly<Record<string, { content: Record<string, { schema?: object }> }>>;
}

const checkedIn = readFileSync(
  fileURLToPath(new URL('../../docs/openapi.json', import.meta.url)),
  'utf8',
);
const document = JSON.parse(checkedIn) as Document;

describe('the OpenAPI document', () => {
  it('is the one in docs/openapi.json: npm run openapi', () => {
    expect(checkedIn).toBe(`${JSON.stringify(openApiDocument(ROUTES), null, 2)}\n`);
    expect([document.openapi, document.servers]).toEqual(['3.1.1', [{ url: API_BASE }]]);
  });

  it('is what the server gives, to anybody', async () => {
    const admin = await startAdminFleet({ withRound: false });
    const { status, json } = await admin.call('/openapi.json');
    expect([status, json]).toEqual([200, document]);
    await admin.close();
  });

  it('has every route, each once, with its parameters', () => {
    const listed = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { operationId, parameters }]) => {
        const inPath = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
        expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        return `${method.toUpperCase()} ${path} ${operationId}`;
      }),
    );
    const routes = ROUTES.map(({ method, path, name }) => `${method} ${path} ${name}`);
    expect(listed.toSorted()).toEqual(routes.toSorted());
    expect(new Set(ROUTES.map(({ name }) => name)).size).toBe(ROUTES.length);
  });

  it('has schemas that a validator of JSON Schema takes, and no reference that leads nowhere', () => {
    const ajv = new Ajv2020({ strict: false });
    const schemas = Object.values(document.paths)
      .flatMap((operations) => Object.values(operations))
      .flatMap(({ parameters, responses }) => [
        ...parameters.map(({ schema }) => schema),
        ...Object.values(responses).flatMap(({ content }) =>
          Object.values(content).flatMap(({ schema }) => schema ?? []),
        ),
      ]);
    expect(schemas.length).toBeGreaterThan(60);
    for (const schema of schemas) {
      expect(() => ajv.compile({ ...schema, components: document.components })).not.toThrow();
    }
  });
});
