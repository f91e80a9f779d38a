/** Addresses in onlysum.yaml and in manifests: that they do not clash and lead to each other. */
import { isLoopback } from '@onlysum/coordinator';
import type { Configuration } from '../configuration.js';
import { DEFAULT_COORDINATOR_PORT } from '../coordinator-settings.js';
import { DEFAULT_HOST, DEFAULT_REGISTRAR_PORT } from '../registrar-settings.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

export interface Listener {
  readonly field: string;
  readonly host: string;
  readonly port: number;
  /** Of its TLS, a PEM file. */
  readonly certificate?: string;
}

/** @returns those of sections that are not empty. */
export function listeners({ coordinator, registrar }: Configuration): Listener[] {
  const all: Listener[] = [];
  const isThere = (section: object) => Object.keys(section).length > 0;
  if (isThere(coordinator)) {
    const { host = DEFAULT_HOST, port = DEFAULT_COORDINATOR_PORT, admin, tls } = coordinator;
    all.push({ field: 'coordinator.port', host, port, ...certificateOf(tls) });
    if (admin !== undefined) {
      const { host, port, tls } = admin;
      all.push({ field: 'coordinator.admin.port', host, port, ...certificateOf(tls) });
    }
  }
  if (isThere(registrar)) {
    const { host = DEFAULT_HOST, port = DEFAULT_REGISTRAR_PORT } = registrar;
    all.push({ field: 'registrar.port', host, port });
  }
  return all;
}

function certificateOf(tls: { readonly certificate: string } | undefined) {
  return tls === undefined ? {} : { certificate: tls.certificate };
}

export function checkAddresses(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const findings = [
    ...checkClashes(deployment),
    ...checkManifestUrls(deployment, tasks),
    ...checkRegistrarUrl(deployment),
    ...checkPlainRegistrar(deployment),
  ];
  return orOk(findings, 'addresses', 'no two listeners have the same port, and URLs lead to them');
}

const ANY_HOST = new Set(['0.0.0.0', '::']);

function checkClashes({ configuration, at }: Deployment): Finding[] {
  const all = listeners(configuration);
  return all.flatMap((one, i) =>
    all
      .slice(i + 1)
      .filter(({ port }) => port !== 0 && port === one.port)
      .filter(({ host }) => host === one.host || ANY_HOST.has(host) || ANY_HOST.has(one.host))
      .map((other) => {
        const message = `${other.field}: ${other.port} is the port of ${one.field} as well`;
        return failure('addresses', message, 'give each listener its own port', at(other.field));
      }),
  );
}

/** A wss:// URL may lead to a proxy, of which nothing is known here; a ws:// one leads to this machine. */
function checkManifestUrls(
  { configuration, at }: Deployment,
  tasks: readonly NamedTask[],
): Finding[] {
  const { port = DEFAULT_COORDINATOR_PORT, tls } = configuration.coordinator;
  return tasks
    .filter(({ role, task }) => {
      return role === 'coordinator' && task.manifest.coordinator.url.startsWith('ws://');
    })
    .flatMap(({ field, path, task: { manifest } }) => {
      const { url } = manifest.coordinator;
      if (tls !== undefined) {
        const message = `${field}: ${path} has coordinator.url ${url}, and coordinator.tls lets nobody in without TLS`;
        const mend = 'sign a manifest with a wss:// URL, or take out coordinator.tls';
        return [failure('addresses', message, mend, at(field))];
      }
      const plain = warning(
        'addresses',
        `${field}: ${path} has coordinator.url ${url}, of this machine only and without TLS`,
        'for other devices, put a proxy with TLS before the coordinator and sign a manifest with its wss:// URL',
        at(field),
      );
      const named = Number(new URL(url).port || 80);
      if (port === 0 || named === port) return [plain];
      const message = `coordinator.port: ${port}, and devices of ${path} connect to ${url}`;
      const mend = `write ${named}, or sign a manifest with port ${port}`;
      return [plain, failure('addresses', message, mend, at('coordinator.port'))];
    });
}

function checkRegistrarUrl({ configuration, at }: Deployment): Finding[] {
  const { coordinator, registrar } = configuration;
  const { registrarUrl } = coordinator;
  const { port = DEFAULT_REGISTRAR_PORT } = registrar;
  if (registrarUrl === undefined || Object.keys(registrar).length === 0 || port === 0) return [];
  const url = new URL(registrarUrl);
  if (url.protocol !== 'http:' || Number(url.port || 80) === port) return [];
  const message = `coordinator.registrarUrl: ${registrarUrl}, and the registrar of this file listens on port ${port}`;
  const mend = `write http://127.0.0.1:${port}`;
  return [warning('addresses', message, mend, at('coordinator.registrarUrl'))];
}

/** A registrar speaks plain HTTP, and codes and licence tokens come in its bodies. */
function checkPlainRegistrar({ configuration, at }: Deployment): Finding[] {
  const { host = DEFAULT_HOST, trustProxy } = configuration.registrar;
  if (isLoopback(host) || trustProxy !== undefined) return [];
  const message = `registrar.host: ${host} takes plain HTTP from the network: codes and licence tokens could be read on their way`;
  const mend =
    'put a proxy with TLS before it and name it in trustProxy, e.g. trustProxy: [127.0.0.1]; ' +
    'with the proxy on this machine, write host: 127.0.0.1';
  return [warning('addresses', message, mend, at('registrar.host'))];
}
