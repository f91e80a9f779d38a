/** A run as it is kept: its figures and what they were measured on, one JSON file a run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Figure } from './figure.js';

export interface KeptRun {
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly quick: boolean;
  /** Names of the benches; empty: all. */
  readonly only: readonly string[];
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Of the checkout, if it is one. */
  readonly commit?: string;
  readonly figures: readonly Figure[];
}

const FOLDER = fileURLToPath(new URL('./results/', import.meta.url));

/** @returns the file's path. */
export function keepRun(
  run: Pick<KeptRun, 'seconds' | 'quick' | 'only' | 'figures'>,
  at = new Date().toISOString(),
): string {
  const hash = commit();
  const kept: KeptRun = {
    at,
    seconds: run.seconds,
    quick: run.quick,
    only: run.only,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    ...(hash === undefined ? {} : { commit: hash }),
    figures: run.figures,
  };
  mkdirSync(FOLDER, { recursive: true });
  const path = `${FOLDER}${at.replaceAll(':', '-')}.json`;
  writeFileSync(path, `${JSON.stringify(kept, undefined, 1)}\n`);
  return path;
}

/** @returns the newest run of all benches in full length; undefined if none is kept. */
export function newestFullRun(): KeptRun | undefined {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  for (const name of names
    .filter((each) => each.endsWith('.json'))
    .toSorted()
    .toReversed()) {
    const run = JSON.parse(readFileSync(FOLDER + name, 'utf8')) as KeptRun;
    if (!run.quick && run.only.length === 0) return run;
  }
  return undefined;
}

/** undefined outside a checkout. */
function commit(): string | undefined {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', 'HEAD') + (isChanged ? ' (with changes)' : '');
  } catch {
    return undefined;
  }
}
