/** Servers that run: that they answer, agree on keys and time, and are two. */
import type { Configuration } from '../configuration.js';
import type { ServerProblem } from '../server-problem.js';
import type { ServerAddress } from '../server-request.js';
import { registrarKeysAt, type ServerView, viewServer } from '../server-view.js';
import { type Listener, listeners } from './address-checks.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, ok, warning } from './finding.js';

/** A registrar refuses windows that are not open on its own clock. */
const SKEW_WARN_MS = 2000;
const SKEW_FAIL_MS = 30_000;

export interface RunningServers {
  readonly coordinator: ServerView | undefined;
  readonly registrar: ServerView | undefined;
}

/** @returns views of the servers that the configuration has; undefined where it has none. */
export async function viewServers(configuration: Configuration): Promise<RunningServers> {
  const servers = serverAddresses(configuration);
  const view = async (server: ServerAddress | undefined) => server && viewServer(server);
  const [coordinator, registrar] = await Promise.all([
    view(servers.coordinator),
    view(servers.registrar),
  ]);
  return { coordinator, registrar };
}

/** Where this machine reaches them; the registrar by the coordinator's line if there is one. */
export function serverAddresses(configuration: Configuration): {
  readonly coordinator: ServerAddress | undefined;
  readonly registrar: ServerAddress | undefined;
} {
  const all = listeners(configuration).filter(({ port }) => port !== 0);
  const own = (field: string) => {
    const listener = all.find((each) => each.field === field);
    return listener === undefined ? undefined : addressOf(listener);
  };
  const url = configuration.coordinator.registrarUrl?.replace(/\/+$/, '');
  return {
    coordinator: own('coordinator.port'),
    registrar: url === undefined ? own('registrar.port') : { url },
  };
}

/** By https where the configuration has a certificate for it. */
export function addressOf({ host, port, certificate }: Listener): ServerAddress {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const place = `${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
  if (certificate === undefined) return { url: `http://${place}` };
  return { url: `https://${place}`, certificate };
}

export async function checkServers(
  deployment: Deployment,
  tasks: readonly NamedTask[],
  { coordinator, registrar }: RunningServers,
): Promise<Finding[]> {
  return [
    ...checkCoordinator(deployment, coordinator),
    ...(await checkRegistrar(deployment, tasks, registrar)),
    ...checkClocks(coordinator, registrar),
    ...checkSeparation(deployment, coordinator),
  ];
}

function checkCoordinator({ at }: Deployment, view: ServerView | undefined): Finding[] {
  if (view === undefined) return [];
  if ('problem' in view && view.mend !== undefined) {
    const place = at('coordinator.tls.certificate');
    return [failure('coordinator', `${view.url}: ${view.problem}`, view.mend, place)];
  }
  if ('problem' in view) return [ok('coordinator', `none runs at ${view.url}: ${view.problem}`)];
  const { url } = view;
  const reasons = reasonsOf(view);
  if (reasons === undefined) return [ok('coordinator', `${url} is ready`)];
  return [notReady('coordinator', url, reasons, at('coordinator.port'))];
}

async function checkRegistrar(
  { configuration, at }: Deployment,
  tasks: readonly NamedTask[],
  view: ServerView | undefined,
): Promise<Finding[]> {
  if (view === undefined) return [];
  const isOwn = configuration.coordinator.registrarUrl === undefined;
  const place = at(isOwn ? 'registrar.port' : 'coordinator.registrarUrl');
  const { url } = view;
  if ('problem' in view) {
    if (view.mend !== undefined) {
      return [failure('registrar', `${url}: ${view.problem}`, view.mend, place)];
    }
    const mend = isOwn ? 'onlysum registrar' : 'start the registrar, or correct the line';
    return [failure('registrar', `${url} does not answer: ${view.problem}`, mend, place)];
  }
  if ('health' in view && view.health.role !== 'registrar') {
    const message = `${url} is a ${view.health.role}`;
    return [failure('registrar', message, 'name the address of the registrar', place)];
  }
  const reasons = reasonsOf(view);
  if (reasons !== undefined) return [notReady('registrar', url, reasons, place)];
  const keys = await registrarKeysAt({ url });
  const findings = tasks
    .filter(({ task }) => keys !== undefined && !keys.includes(task.manifest.registrar))
    .map(({ path, task }) => {
      const message = `${url} has key ${keys?.join(' and ')}, and ${path} names ${task.manifest.registrar}`;
      const mend = 'name the registrar of this manifest, or sign a manifest that names this one';
      return failure('registrar', message, mend, place);
    });
  return findings.length > 0 ? findings : [ok('registrar', `${url} is ready`)];
}

/** @returns undefined of one that is ready. */
function reasonsOf(view: Exclude<ServerView, ServerProblem>): readonly string[] | undefined {
  if ('failing' in view) return view.failing;
  return view.readiness.status === 'ready' ? undefined : view.readiness.reasons;
}

function notReady(
  role: NamedTask['role'],
  url: string,
  reasons: readonly string[],
  place: string,
): Finding {
  const message = `${url} runs and is not ready: ${reasons.join('; ')}`;
  return failure(role, message, `mend what it says; the ${role}'s log says more`, place);
}

function checkClocks(
  coordinator: ServerView | undefined,
  registrar: ServerView | undefined,
): Finding[] {
  if (registrar === undefined || !('health' in registrar)) return [];
  const isRunning = coordinator !== undefined && 'health' in coordinator;
  const other = isRunning ? 'the coordinator' : 'this machine';
  const aheadMs = registrar.aheadMs - (isRunning ? coordinator.aheadMs : 0);
  const unsureMs = (registrar.answerMs + (isRunning ? coordinator.answerMs : 0)) / 2;
  const skewMs = Math.max(0, Math.abs(aheadMs) - unsureMs);
  if (skewMs < SKEW_WARN_MS) {
    return [ok('clocks', `registrar and ${other} agree to within ${SKEW_WARN_MS / 1000} s`)];
  }
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const message = `the registrar's clock is ${(skewMs / 1000).toFixed(1)} s ${way} that of ${other}`;
  const mend = 'let both machines keep time by NTP: timedatectl set-ntp true';
  const make = skewMs < SKEW_FAIL_MS ? warning : failure;
  return [make('clocks', message, mend)];
}

function checkSeparation(
  { configuration, at }: Deployment,
  coordinator: ServerView | undefined,
): Finding[] {
  const mend = 'run the registrar on another machine, by other people, with its own onlysum.yaml';
  const isEmbedded =
    coordinator !== undefined &&
    'health' in coordinator &&
    coordinator.health.role === 'coordinator' &&
    coordinator.health.registrar === 'embedded';
  if (isEmbedded) {
    const message = `${coordinator.url} runs its registrar inside itself: the roles do not check each other`;
    return [warning('separation', message, mend)];
  }
  const { key } = configuration.registrar;
  if (key === undefined || configuration.coordinator.key === undefined) {
    return [ok('separation', 'this file is of one role')];
  }
  const message = 'registrar and coordinator are in one file: whoever has it can be both';
  return [warning('separation', message, mend, at('registrar'))];
}
