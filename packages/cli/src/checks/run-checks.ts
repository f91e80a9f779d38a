/** The checks in their order: those of files alone, and those of a deployment where it runs. */
import type { Terminal } from '../terminal.js';
import { checkAddresses } from './address-checks.js';
import { namedTasks, readDeployment } from './deployment.js';
import { checkFiles } from './file-checks.js';
import type { Finding } from './finding.js';
import { checkKeys } from './key-checks.js';
import { checkDisk, checkNode, checkOpenFiles, checkPorts } from './machine-checks.js';
import { checkManifests } from './manifest-checks.js';
import { checkProxies } from './proxy-checks.js';
import { checkSealKeys } from './seal-key-checks.js';
import { addressOf, checkServers, viewServers } from './server-checks.js';
import { checkSettings } from './settings-checks.js';
import { checkStores } from './store-checks.js';
import { checkCertificates } from './tls-checks.js';
import { isAdminAt, viewServer } from '../server-view.js';

/**
 * What can be known without running anything or asking anyone.
 *
 * @param file - undefined: `onlysum.yaml`.
 * @throws {UsageError} `file-unreadable`.
 */
export function checkConfiguration(
  file: string | undefined,
  terminal: Terminal,
): Promise<Finding[]> {
  return checkFileOf(file, terminal, false);
}

/** @param asksAll - as of {@link checkSealKeys}. */
async function checkFileOf(
  file: string | undefined,
  terminal: Terminal,
  asksAll: boolean,
): Promise<Finding[]> {
  const { deployment, findings } = readDeployment(file, terminal);
  if (deployment === undefined) return [...findings];
  const { tasks, findings: unreadable } = namedTasks(deployment);
  return [
    ...findings,
    ...checkFiles(deployment),
    ...unreadable,
    ...checkSettings(deployment, tasks),
    ...checkKeys(deployment, tasks),
    ...(await checkSealKeys(deployment, asksAll)),
    ...checkCertificates(deployment, tasks, Date.now()),
    ...checkAddresses(deployment, tasks),
    ...checkProxies(deployment, tasks),
  ];
}

/** All of it. @throws {UsageError} `file-unreadable`. */
export async function checkDeployment(
  file: string | undefined,
  terminal: Terminal,
): Promise<Finding[]> {
  const { deployment } = readDeployment(file, terminal);
  const first = [checkNode(process.versions.node), ...(await checkFileOf(file, terminal, true))];
  if (deployment === undefined) return first;
  const { configuration } = deployment;
  const { tasks } = namedTasks(deployment);
  const nowMs = Date.now();
  const servers = await viewServers(configuration);
  return [
    ...first,
    ...checkManifests(deployment, tasks, nowMs),
    ...(await checkStores(deployment, tasks)),
    ...checkDisk(deployment),
    ...checkOpenFiles(deployment),
    ...(await checkPorts(deployment, async (listener) => {
      const { field } = listener;
      const address = addressOf(listener);
      if (field === 'coordinator.admin.port') return isAdminAt(address);
      const role = field.startsWith('registrar') ? 'registrar' : 'coordinator';
      const view = await viewServer(address);
      // What is wrong with one that is there, or with its TLS, checkServers says.
      if ('problem' in view) return view.mend !== undefined || view;
      return 'failing' in view || view.health.role === role;
    })),
    ...(await checkServers(deployment, tasks, servers)),
  ];
}
