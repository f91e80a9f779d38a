/** All operations of the admin API, in the order of the document. */
import { auditRoutes } from './audit-routes.js';
import { documentRoute } from './document-route.js';
import { evidenceRoutes } from './evidence-routes.js';
import { liveRoutes } from './live-routes.js';
import { privacyRoutes } from './privacy-routes.js';
import { resultRoutes } from './result-routes.js';
import type { Route } from './route.js';
import { taskRoutes } from './task-routes.js';
import { tokenRoutes } from './token-routes.js';
import { windowRoutes } from './window-routes.js';

const DOCUMENTED: readonly Route[] = [
  ...taskRoutes,
  ...windowRoutes,
  ...evidenceRoutes,
  ...resultRoutes,
  ...liveRoutes,
  ...privacyRoutes,
  ...auditRoutes,
  ...tokenRoutes,
];

export const ROUTES: readonly Route[] = [...DOCUMENTED, documentRoute(DOCUMENTED)];
