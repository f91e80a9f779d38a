/**
 * A coordinator with its admin API, one window that is decided and one that is open, a token of each role,
 * and a client that holds every answer against the schema of its route.
 */
import { systemRng, toHex } from '@onlysum/crypto';
import {
  type AdminOptions,
  type CoordinatorStore,
  createToken,
  freshSealing,
  memoryCoordinatorStore,
  type NewToken,
} from '@onlysum/coordinator';
import { type Manifest, ROLES, type Role, windowAt } from '@onlysum/task';
import * as v from 'valibot';
import { API_BASE, JSON_TYPE, type Route } from '../../packages/coordinator/src/admin/route.js';
import { ROUTES } from '../../packages/coordinator/src/admin/routes.js';
import * as schema from '../../packages/coordinator/src/admin/schema.js';
import {
  enrolDevices,
  type Fleet,
  runDevices,
  startFleet,
  suite,
} from '../coordinator/wire-fleet.js';

const base = { owner: 'desktop team', retentionDays: 90 } as const;
/** Formulas for spreadsheets where a manifest lets text stand. */
const METRICS: Manifest['metrics'] = [
  {
    ...base,
    name: 'crashes',
    kind: 'count',
    max: 1000,
    group: 'essential',
    purpose: '=HYPERLINK("http://evil.example","stability")',
    access: ['analyst'],
  },
  {
    ...base,
    name: 'startup_ms',
    kind: 'mean',
    min: '0',
    max: '1000',
    resolution: '1',
    unit: '@ms',
    group: 'performance',
    purpose: 'speed',
    access: ['analyst'],
  },
  {
    ...base,
    name: 'licensed',
    kind: 'flag',
    group: 'licences',
    purpose: 'entitlement',
    access: ['privacy-officer'],
  },
];
const MANIFEST: Partial<Manifest> = {
  groups: [
    { name: 'essential', purpose: 'stability', essential: true },
    { name: 'performance', purpose: 'speed', essential: false },
    { name: 'licences', purpose: 'entitlement', essential: false },
  ],
  metrics: METRICS,
};
export const WINDOW_MS = 3_600_000;

export interface Request {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined unless it is JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface AdminFleet {
  readonly fleet: Fleet;
  readonly store: CoordinatorStore;
  /** Without a slash at its end. */
  readonly url: string;
  readonly taskId: string;
  /** Of the second task, with no rounds. */
  readonly otherTaskId: string;
  /** Of the decided window. */
  readonly window: number;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly clock: { offsetMs: number };
  makeToken(
    of: Partial<NewToken> & { readonly role: Role },
  ): Promise<{ token: string; id: string }>;
  /** @param path - below the base of the API. */
  call(path: string, request?: Request): Promise<Answer>;
  close(): Promise<void>;
}

export interface AdminFleetOptions {
  readonly store?: CoordinatorStore;
  readonly admin?: AdminOptions;
  readonly manifest?: Partial<Manifest>;
  /** Whether a round is run. Default: yes. */
  readonly withRound?: boolean;
}

export async function startAdminFleet(options: AdminFleetOptions = {}): Promise<AdminFleet> {
  const { store = memoryCoordinatorStore(), withRound = true } = options;
  const clock = { offsetMs: 0 };
  const fleet = await startFleet({
    window: WINDOW_MS,
    manifest: { ...MANIFEST, ...options.manifest },
    moreTasks: [{ name: 'acme-server', window: WINDOW_MS }],
    coordinator: {
      store,
      sealing: freshSealing(),
      now: () => Date.now() + clock.offsetMs,
      admin: { port: 0, ...options.admin },
    },
  });
  const taskId = toHex(fleet.task.taskId);
  const { index: window } = windowAt(fleet.task.manifest, Date.now());
  if (withRound) {
    await runDevices(fleet, await enrolDevices(fleet, 5));
    clock.offsetMs = WINDOW_MS;
    await decided(fleet, taskId, window);
  }
  const makeToken: AdminFleet['makeToken'] = async (of) => {
    const context = { store, suite, rng: systemRng, nowMs: Date.now(), actor: 'test' };
    const { token, view } = await createToken(context, {
      ...{ name: `a ${of.role}`, tasks: 'all', days: 30 },
      ...of,
    });
    return { token, id: view.id };
  };
  const tokens = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, (await makeToken({ role })).token])),
  ) as Record<Role, string>;
  const { adminUrl: url = '' } = fleet.coordinator;
  const tasks = await store.tasks();
  const otherTaskId = tasks.find(({ name }) => name === 'acme-server')?.taskId ?? '';
  return {
    ...{ fleet, store, url, taskId, otherTaskId, window, tokens, clock, makeToken },
    call: (path, request) => call(url, path, request),
    close: async () => {
      await fleet.coordinator.close({ graceMs: 0 });
      await store.close();
    },
  };
}

async function decided({ coordinator }: Fleet, taskId: string, window: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await coordinator.windowResult(taskId, window))?.state === 'closed') return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the window was not decided');
}

async function call(url: string, path: string, request: Request = {}): Promise<Answer> {
  const { token, method = 'GET', body, headers = {} } = request;
  const response = await fetch(`${url}${API_BASE}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const { status } = response;
  const text = await response.text();
  const type = response.headers.get('content-type')?.split(';')[0];
  const isJson = type === JSON_TYPE && method !== 'HEAD';
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  if (isJson && status >= 400) v.parse(schema.error, json);
  const shape = routeOf(method, path)?.responses[JSON_TYPE];
  if (isJson && status < 400 && shape !== undefined) v.parse(shape, json);
  return { status, headers: response.headers, text, json };
}

function routeOf(method: string, path: string): Route | undefined {
  const [plain = ''] = path.split('?');
  return ROUTES.find((route) => {
    const pattern = new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return route.method === method && pattern.test(plain);
  });
}
