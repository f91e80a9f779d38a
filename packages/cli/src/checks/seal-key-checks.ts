/**
 * Keys that results are sealed with: that the coordinator will get them where it looks.
 * Knows: sources. Doesn't know: what was sealed. Invariant: no key is shown, and none is kept.
 */
import { existsSync } from 'node:fs';
import { OnlysumError, wipe } from '@onlysum/crypto';
import { loadSealKey, type SealKeySource } from '@onlysum/service';
import { coordinatorStore } from '../coordinator-settings.js';
import type { Deployment } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

/** @param asksAll - whether commands are run, and the environment here is the coordinator's. */
export async function checkSealKeys(deployment: Deployment, asksAll: boolean): Promise<Finding[]> {
  const sources = deployment.configuration.coordinator.resultsKey;
  if (sources === undefined) return checkKeyBesideStore(deployment);
  const findings: Finding[] = [];
  for (const [i, source] of sources.entries()) {
    // Lines of the first may stand without a list.
    const line = `coordinator.resultsKey${sources.length === 1 ? '' : `[${i}]`}`;
    if (asksAll || !('command' in source)) {
      findings.push(...(await checkSource(deployment, line, source, asksAll)));
    }
  }
  const isAll = asksAll || !sources.some((source) => 'command' in source);
  const message = isAll
    ? 'the keys that results are sealed with can be had'
    : 'no command was run: onlysum doctor does';
  return orOk(findings, 'seal-keys', message);
}

/** One that is not there yet is made at the first start. */
async function checkKeyBesideStore(deployment: Deployment): Promise<Finding[]> {
  const { file, configuration, terminal } = deployment;
  if (Object.keys(configuration.coordinator).length === 0) return [];
  const store = coordinatorStore(configuration, file, terminal.cwd);
  const path = 'lmdb' in store ? `${store.lmdb}.key` : undefined;
  if (path === undefined || !existsSync(path)) return [];
  const findings = await checkSource(deployment, 'coordinator.store', { file: path }, true);
  return orOk(findings, 'seal-keys', 'the key beside the store can be had');
}

async function checkSource(
  { terminal, at }: Deployment,
  line: string,
  source: SealKeySource,
  isOwnEnvironment: boolean,
): Promise<Finding[]> {
  try {
    wipe(await loadSealKey(source, { environment: terminal.env }));
    return [];
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    const isMissing = 'environment' in source && error.code === 'seal-key-unavailable';
    const make = isMissing && !isOwnEnvironment ? warning : failure;
    return [make('seal-keys', `${line}: ${error.message}`, mendOf(source, error), at(line))];
  }
}

function mendOf(source: SealKeySource, { code, got = '' }: OnlysumError): string {
  if ('environment' in source) {
    const { environment } = source;
    return code === 'seal-key-unavailable'
      ? `set ${environment} for the coordinator, and check with its environment`
      : `let ${environment} hold the key and nothing else`;
  }
  if ('command' in source) {
    return "run it by hand as the coordinator's user: it must print the key, nothing else, and end with 0";
  }
  const { file } = source;
  if (got.startsWith('mode ')) return `chmod 600 ${file}`;
  if (got === 'EACCES') return `check as the coordinator's user, or give it to that user: ${file}`;
  return (
    `name the right file, or restore it from its backup; only if no result is kept yet, make one: ` +
    `(umask 077; openssl rand -hex 32 > ${file})`
  );
}
