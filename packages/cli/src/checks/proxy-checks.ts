/** Proxies before listeners: that they are named in a form that servers take, and where one must be. */
import { isIP } from 'node:net';
import { OnlysumError } from '@onlysum/crypto';
import { parseTrustedProxies } from '@onlysum/service';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

export function checkProxies(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { coordinator, registrar } = deployment.configuration;
  const named = [
    ...checkNamed(deployment, 'coordinator.trustProxy', coordinator.trustProxy),
    ...checkNamed(deployment, 'coordinator.admin.trustProxy', coordinator.admin?.trustProxy),
    ...checkAddresses(deployment, registrar.trustProxy),
  ];
  const findings = [...named, ...checkDevices(deployment, tasks)];
  return orOk(findings, 'proxies', 'proxies are named as far as can be seen from here');
}

function checkNamed(
  { at }: Deployment,
  field: string,
  entries: readonly string[] | undefined,
): Finding[] {
  return (entries ?? []).flatMap((entry, i) => {
    try {
      parseTrustedProxies([entry]);
      return [];
    } catch (error) {
      if (!(error instanceof OnlysumError)) throw error;
      const place = `${field}[${i}]`;
      const message = `${place}: expected ${error.expected}, got ${error.got}`;
      return [failure('proxies', message, `write ${error.expected}`, at(place))];
    }
  });
}

/** A registrar takes no networks. */
function checkAddresses({ at }: Deployment, entries: readonly string[] | undefined): Finding[] {
  return (entries ?? []).flatMap((entry, i) => {
    if (isIP(entry) !== 0) return [];
    const place = `registrar.trustProxy[${i}]`;
    const message = `${place}: expected an IP address, got ${JSON.stringify(entry)}`;
    return [failure('proxies', message, 'write the address of each proxy', at(place))];
  });
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
