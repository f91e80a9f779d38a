/**
 * Keys that results are sealed with: that the coordinator will get them where it looks, and that they are
 * those of the results that it has.
 * Knows: sources, the store. Doesn't know: results. Invariant: no key is shown, none is kept, and none made.
 */
import { existsSync } from 'node:fs';
import {
  checkKeyFile,
  checkSealKeys as checkKeysOfStore,
  type CoordinatorStore,
  keyedSealing,
} from '@onlysum/coordinator';
import { OnlysumError, wipe } from '@onlysum/crypto';
import { loadSealKey, type SealKeySource } from '@onlysum/service';
import type { StoreSetting } from '../configuration.js';
import { coordinatorStore, RESULTS_KEY_LINE } from '../coordinator-settings.js';
import { openCoordinatorStore } from '../open-store.js';
import type { Deployment } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

/** @param asksAll - whether commands are run, the environment here is the coordinator's, and its store is opened. */
export async function checkSealKeys(deployment: Deployment, asksAll: boolean): Promise<Finding[]> {
  const sources = deployment.configuration.coordinator.resultsKey;
  if (sources === undefined) return checkKeyBesideStore(deployment, asksAll);
  const findings: Finding[] = [];
  for (const [i, source] of sources.entries()) {
    // Lines of the first may stand without a list.
    const line = `${RESULTS_KEY_LINE}${sources.length === 1 ? '' : `[${i}]`}`;
    if (asksAll || !('command' in source)) {
      findings.push(...(await checkSource(deployment, line, source, asksAll)));
    }
  }
  const isAll = asksAll || !sources.some((source) => 'command' in source);
  if (asksAll && findings.length === 0) {
    const { configuration, file, terminal } = deployment;
    const setting = coordinatorStore(configuration, file, terminal.cwd);
    findings.push(
      ...(await checkKept(deployment, setting, RESULTS_KEY_LINE, OLDER_MEND, async (store) =>
        checkKeysOfStore(store, await keyedSealing(sources, { environment: terminal.env })),
      )),
    );
  }
  const message = isAll
    ? 'the keys that results are sealed with can be had'
    : 'no command was run: onlysum doctor does';
  return orOk(findings, 'seal-keys', message);
}

const OLDER_MEND =
  'name their key after the first one; if it lies beside the store, as { file: STORE.key }; then: onlysum results reseal';
/** For a database. */
const PATIENCE_MS = 3000;

/** One that is not there yet is made at the first start. */
async function checkKeyBesideStore(deployment: Deployment, asksAll: boolean): Promise<Finding[]> {
  const { file, configuration, terminal } = deployment;
  if (Object.keys(configuration.coordinator).length === 0) return [];
  const store = coordinatorStore(configuration, file, terminal.cwd);
  if (!('lmdb' in store)) return [];
  const path = `${store.lmdb}.key`;
  const line = 'coordinator.store';
  const isThere = existsSync(path);
  const findings = isThere ? await checkSource(deployment, line, { file: path }, true) : [];
  if (asksAll && findings.length === 0) {
    const mend = `put the file of that key back, from its backup: ${path}`;
    findings.push(
      ...(await checkKept(deployment, store, line, mend, async (kept) => {
        await checkKeyFile(path, kept);
        if (isThere) await checkKeysOfStore(kept, await keyedSealing([{ file: path }]));
      })),
    );
  }
  return isThere ? orOk(findings, 'seal-keys', 'the key beside the store can be had') : findings;
}

/** @param check - as the coordinator's at its start. */
async function checkKept(
  { terminal, at }: Deployment,
  setting: StoreSetting,
  line: string,
  mend: string,
  check: (store: CoordinatorStore) => Promise<void>,
): Promise<Finding[]> {
  try {
    const options = { create: false, readOnly: true, patienceMs: PATIENCE_MS };
    const store = await openCoordinatorStore(setting, terminal, options);
    try {
      await check(store);
      return [];
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof OnlysumError)) throw error;
    const { code, expected = '', got = '', message } = error;
    if (code === 'store-missing') return [];
    if (code === 'seal-key-unknown') {
      return [failure('seal-keys', `${line}: expected ${expected}, got ${got}`, mend, at(line))];
    }
    const unknown = `${line}: whether these keys open what is kept is not known: ${message}`;
    return [warning('seal-keys', unknown, 'mend the store, and check again', at(line))];
  }
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
