/**
 * `npm run crash -- --kills N [--seed text] [--store lmdb|postgres] [--json]`: kills servers N times while
 * devices take part, and looks what is lost. Exit 1 if anything is.
 */
import { parseArgs } from 'node:util';
import { postgresBinaries, startCluster } from '../postgres/cluster.js';
import { type CrashReport, runCrashes } from './crash-run.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: 'crash' },
    store: { type: 'string', default: 'lmdb' },
    json: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
if (!Number.isSafeInteger(kills) || kills < 1) throw new Error('--kills: expected an integer ≥ 1');

const report = values.store === 'postgres' ? await onPostgres() : await run({});
const { lost, doubleCounted, secondAttestations, unwritten } = report;
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : text(report));
process.exit(lost + doubleCounted + secondAttestations + unwritten === 0 ? 0 : 1);

function run(more: { postgres?: { host: string; user: string; database: string } }) {
  const onKill = (done: number) => {
    if (!values.json && done % 10 === 0) process.stderr.write(`${done} kills\n`);
  };
  return runCrashes({ kills, seed: values.seed, onKill, ...more });
}

async function onPostgres(): Promise<CrashReport> {
  const binaries = postgresBinaries();
  if (binaries === undefined) throw new Error('--store postgres: PostgreSQL is not here');
  const cluster = startCluster(binaries, { fsync: true });
  try {
    await cluster.started;
    return await run({
      postgres: { host: cluster.directory, user: 'postgres', database: 'postgres' },
    });
  } finally {
    await cluster.stop();
  }
}

function text(found: CrashReport): string {
  const lines = Object.entries(found).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `${lines.join('\n')}\n`;
}
