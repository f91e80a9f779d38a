/**
 * What checks look at: a configuration with the places of its lines, and the files that it names.
 * Knows: which files are named where. Doesn't know: what is wrong with them.
 */
import { dirname } from 'node:path';
import { UsageError } from '@onlysum/crypto';
import type { Task } from '@onlysum/task';
import {
  type Configuration,
  CONFIGURATION_FILE,
  configurationPath,
  parseConfiguration,
  problemText,
} from '../configuration.js';
import { readText } from '../files.js';
import { loadTask } from '../tasks.js';
import type { Terminal } from '../terminal.js';
import { failure, type Finding, ok } from './finding.js';

export interface Deployment {
  /** Of onlysum.yaml, absolute. */
  readonly file: string;
  readonly configuration: Configuration;
  readonly terminal: Terminal;
  /** `file:line:column` of a line, e.g. of `registrar.manifests[0]`. */
  readonly at: (field: string) => string;
}

/** A manifest that a role serves. */
export interface NamedTask {
  readonly role: 'coordinator' | 'registrar';
  readonly field: string;
  readonly path: string;
  readonly task: Task;
}

/**
 * @param file - undefined: `onlysum.yaml`.
 * @returns the deployment, or what is wrong with its configuration.
 * @throws {UsageError} `file-unreadable`.
 */
export function readDeployment(
  file: string | undefined,
  terminal: Terminal,
): { readonly deployment?: Deployment; readonly findings: readonly Finding[] } {
  const path = configurationPath(file ?? CONFIGURATION_FILE, terminal.cwd) ?? '';
  const read = parseConfiguration(readText(path), dirname(path));
  const at = (field: string) => {
    const { line, column } = read.positionOf(field);
    return `${path}:${line}:${column}`;
  };
  const findings = read.problems.map((problem) => {
    const { line, column, suggestion, expected } = problem;
    const place = `${path}:${line}:${column}`;
    const message = problemText(path, problem).slice(place.length + 2);
    const mend = suggestion === undefined ? `give ${expected}` : `write ${suggestion}`;
    return failure('configuration', message, mend, place);
  });
  if (findings.length > 0) return { findings };
  return {
    deployment: { file: path, configuration: read.configuration, terminal, at },
    findings: [ok('configuration', `${path} has no unknown line and no wrong value`)],
  };
}

/** @returns those that can be read and whose signatures hold; the others are findings. */
export function namedTasks(deployment: Deployment): {
  readonly tasks: readonly NamedTask[];
  readonly findings: readonly Finding[];
} {
  const tasks: NamedTask[] = [];
  const findings: Finding[] = [];
  for (const role of ['coordinator', 'registrar'] as const) {
    (deployment.configuration[role].manifests ?? []).forEach((path, i) => {
      const field = `${role}.manifests[${i}]`;
      try {
        tasks.push({ role, field, path, task: loadTask(path) });
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        const mend =
          error.code === 'file-unreadable'
            ? 'onlysum manifest sign, or name the right file'
            : 'mend the manifest and sign it again: onlysum manifest sign';
        findings.push(failure('manifests', error.message, mend, deployment.at(field)));
      }
    });
  }
  return { tasks, findings };
}
