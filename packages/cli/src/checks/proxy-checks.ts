/** Proxies before listeners: that they are named in a form that servers take, and where one must be. */
import { OnlysumError } from '@onlysum/crypto';
import { parseTrustedProxies } from '@onlysum/service';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

export function checkProxies(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { coordinator, registrar } = deployment.configuration;
  const named = [
    ...checkNamed(deployment, 'coordinator.trustProxy', coordinator.trustProxy),
    ...checkNamed(deployment, 'coordinator.admin.trustProxy', coordinator.admin?.trustProxy),
    ...checkNamed(deployment, 'registrar.trustProxy', registrar.trustProxy),
  ];
  const findings = [...named, ...checkDevices(deployment, tasks)];
  return orOk(findings, 'proxies', 'proxies are named as far as can be seen from here');
}

/** @returns whether servers take it for one. */
export function isProxy(entry: string): boolean {
  return refusalOf(entry) === undefined;
}

function checkNamed(
  { at }: Deployment,
  field: string,
  entries: readonly string[] | undefined,
): Finding[] {
  return (entries ?? []).flatMap((entry, i) => {
    const refusal = refusalOf(entry);
    if (refusal === undefined) return [];
    const place = `${field}[${i}]`;
    const message = `${place}: expected ${refusal.expected}, got ${refusal.got}`;
    return [failure('proxies', message, `write ${refusal.expected}`, at(place))];
  });
}

function refusalOf(entry: string): OnlysumError | undefined {
  try {
    parseTrustedProxies([entry]);
    return undefined;
  } catch (error) {
    if (error instanceof OnlysumError) return error;
    throw error;
  }
}

/** Devices come by `wss://` and the coordinator ends no TLS: so something before it does. */
function checkDevices({ configuration, at }: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { tls, trustProxy, limits } = configuration.coordinator;
  const task = tasks.find(({ role, task }) => {
    return role === 'coordinator' && task.manifest.coordinator.url.startsWith('wss://');
  });
  const isSaid = trustProxy !== undefined || limits?.connectionsPerAddress !== undefined;
  if (task === undefined || tls !== undefined || isSaid) return [];
  const message =
    `coordinator.trustProxy: devices of ${task.path} come through the proxy that ends TLS for ` +
    `${task.task.manifest.coordinator.url}, and all count as one address`;
  const mend =
    "name the proxy's address, e.g. trustProxy: [127.0.0.1], and let it set X-Forwarded-For; " +
    'or raise limits.connectionsPerAddress';
  return [warning('proxies', message, mend, at('coordinator'))];
}
