/** That each server has the key, and the epoch length, that its manifests name. */
import { equalBytes, OnlysumError, toHex, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { inFile, readJson } from '../files.js';
import { openKeyFile } from '../key-file.js';
import { checkRoleKey, passphraseOf } from '../keys.js';
import type { Configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import type { Deployment, NamedTask } from './deployment.js';
import { failure, type Finding, orOk, warning } from './finding.js';

export function checkKeys(deployment: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { configuration, at } = deployment;
  const findings = (['coordinator', 'registrar'] as const).flatMap((role) => {
    const path = configuration[role].key;
    return path === undefined ? [] : checkKey(deployment, role, path, tasks);
  });
  findings.push(...checkPreviousKeys(deployment, tasks));
  const { epochLengthMs } = configuration.registrar;
  for (const { role, field, path, task } of tasks) {
    const { lengthMs } = task.manifest.epoch;
    if (role !== 'registrar' || epochLengthMs === undefined || lengthMs === epochLengthMs) continue;
    const message = `registrar.epochLengthMs: ${epochLengthMs}, and ${field} ${path} has epoch.lengthMs ${lengthMs}`;
    const mend = `write ${lengthMs}, or take the line out`;
    findings.push(failure('keys', message, mend, at('registrar.epochLengthMs')));
  }
  findings.push(...checkPublisher(deployment, tasks));
  return orOk(findings, 'keys', 'each key is the one that its manifests name');
}

/** @returns those of `registrar.previousKeys`; undefined if one of them cannot be read here. */
export function previousKeys(
  { registrar }: Configuration,
  terminal: Terminal,
): readonly Uint8Array[] | undefined {
  try {
    return (registrar.previousKeys ?? []).map((path) => publicKeyIn(path, terminal));
  } catch (error) {
    if (error instanceof OnlysumError) return undefined;
    throw error;
  }
}

/** The registrar loads each of them at its start; the coordinator's would let it be both. */
function checkPreviousKeys(
  { configuration, terminal, at }: Deployment,
  tasks: readonly NamedTask[],
): Finding[] {
  return (configuration.registrar.previousKeys ?? []).flatMap((path, i) => {
    const line = `registrar.previousKeys[${i}]`;
    try {
      const publicKey = publicKeyIn(path, terminal);
      if (!tasks.some(({ task }) => equalBytes(task.coordinatorKey, publicKey))) return [];
      const message = `${line}: ${path} is the coordinator's key: whoever has this file's keys can be both`;
      const mend = "take it out, and keep the coordinator's key off the registrar's machine";
      return [warning('keys', message, mend, at(line))];
    } catch (error) {
      return keyProblem(error, line, at(line));
    }
  });
}

function checkKey(
  { configuration, terminal, at }: Deployment,
  role: NamedTask['role'],
  keyPath: string,
  tasks: readonly NamedTask[],
): Finding[] {
  const keyLabel = `${role}.key`;
  const place = at(keyLabel);
  let publicKey: Uint8Array;
  try {
    publicKey = publicKeyIn(keyPath, terminal);
  } catch (error) {
    return keyProblem(error, keyLabel, place);
  }
  const previous = role === 'registrar' ? previousKeys(configuration, terminal) : [];
  // Which of them a manifest may name cannot be said.
  if (previous === undefined) return [];
  const isPrevious = (named: Uint8Array) => previous.some((key) => equalBytes(key, named));
  return tasks
    .filter(({ role: own, task }) => own === role && !isPrevious(task.registrarKey))
    .flatMap(({ path: manifestPath, task: { manifest } }) => {
      try {
        const key = { keyLabel, keyPath, publicKey };
        checkRoleKey('task-mismatch', role, key, { manifestPath, manifest });
        return [];
      } catch (error) {
        if (!(error instanceof OnlysumError)) throw error;
        const mend = `name the key file whose public key is the manifest's, or sign a manifest that names this key`;
        return [failure('keys', error.message, mend, place)];
      }
    });
}

function keyProblem(error: unknown, line: string, place: string): Finding[] {
  if (!(error instanceof OnlysumError)) throw error;
  // That it is not there is said of all files.
  if (error.code === 'file-unreadable') return [];
  const message = `${line} ${error.message}`;
  if (error.code === 'passphrase-missing') {
    const mend = 'set ONLYSUM_PASSPHRASE as for the server, and check again';
    return [warning('keys', message, mend, place)];
  }
  return [failure('keys', message, 'restore it from its backup', place)];
}

function publicKeyIn(path: string, terminal: Terminal): Uint8Array {
  const file = readJson(path);
  return inFile(path, () => {
    const { publicKey, seed } = openKeyFile(nativeSuite, file, passphraseOf(terminal));
    wipe(seed);
    return publicKey;
  });
}

function checkPublisher({ configuration, at }: Deployment, tasks: readonly NamedTask[]): Finding[] {
  const { publisher, manifest } = configuration.device;
  const named = tasks.find(({ path }) => path === manifest)?.task.publisher;
  if (publisher === undefined || named === undefined || toHex(named) === publisher) return [];
  const message = `device.publisher: ${publisher}, and ${manifest} is signed by ${toHex(named)}`;
  const mend = "write the publisher's key, or name a manifest of that publisher";
  return [failure('keys', message, mend, at('device.publisher'))];
}
