/** The onlysum.yaml that `onlysum init` writes. */
import { DEFAULT_DURATIONS } from '@onlysum/protocol';
import type { Manifest } from '@onlysum/task';

/** @param manifest - names the publisher, the epoch and where the coordinator is. */
export function configurationTemplate({ publisher, epoch, coordinator }: Manifest): string {
  const { hostname, port } = new URL(coordinator.url);
  const durations = Object.entries(DEFAULT_DURATIONS).map(([name, ms]) => `    ${name}: ${ms}`);
  return `# Configuration of the onlysum command. Paths are relative to this file; a flag overrides a line.
# Registrar and coordinator keep each other honest: run them on different machines, by different people.

registrar:
  host: 127.0.0.1
  port: 8788
  key: keys/registrar.json
  store: registrar-store
  epochLengthMs: ${epoch.lengthMs}
  manifests:
    - manifest.signed.json
  limits: {} # connections, requestTimeoutMs, …
  # tokens, rateLimits, trustProxy, ledgerRetentionDays, auditRetentionDays, previousKeys: docs/registrar.md
  metrics: true # at /metrics, on the same port

coordinator:
  host: ${hostname}
  port: ${port}
  key: keys/coordinator.json
  registrarUrl: http://127.0.0.1:8788
  resultsDir: results
  manifests:
    - manifest.signed.json
  durations: # of the stages of a round
${durations.join('\n')}
  limits: {} # connections, connectionsPerAddress, helloTimeoutMs, …
  # store, resultsKey, trustProxy, overSelection: docs/coordinator.md
  metrics: true

device: # for the commands "onlysum device …"
  manifest: manifest.signed.json
  publisher: ${publisher}
  registrarUrl: http://127.0.0.1:8788
  store: device

log:
  level: info # trace, debug, info, warn, error, fatal, silent
`;
}
