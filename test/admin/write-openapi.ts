/** Writes docs/openapi.json again; a test says when that is due. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../../packages/coordinator/src/admin/openapi.js';
import { ROUTES } from '../../packages/coordinator/src/admin/routes.js';

const path = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(openApiDocument(ROUTES), null, 2)}\n`);
