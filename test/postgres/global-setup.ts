/** One PostgreSQL cluster for a run of the tests. It starts while the first tests already run. */
import type { TestProject } from 'vitest/node';
import { postgresBinaries, startCluster } from './cluster.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the cluster's socket; empty where there is no PostgreSQL. */
    readonly postgres: string;
  }
}

export default function setUp(project: TestProject): (() => Promise<void>) | undefined {
  const binaries = postgresBinaries();
  if (binaries === undefined) {
    const missing = 'PostgreSQL is missing (Debian: apt-get install postgresql)';
    if (process.env['CI'] === 'true') throw new Error(missing);
    process.stderr.write(`${missing}: the tests of its stores are skipped\n`);
    project.provide('postgres', '');
    return undefined;
  }
  const cluster = startCluster(binaries);
  project.provide('postgres', cluster.directory);
  return () => cluster.stop();
}
