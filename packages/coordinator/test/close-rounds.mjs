// Opens a window and closes rounds in the store at argv[2] (a PostgreSQL connection as JSON, or else the
// path of an lmdb one), argv[3] times, and prints the name of each once it is closed. argv[4] tells the
// rounds of one process from another's.
import { writeSync } from 'node:fs';
import { lmdbCoordinatorStore, postgresCoordinatorStore } from '@onlysum/coordinator';

const [place, times, prefix] = process.argv.slice(2);
const store = place.startsWith('{')
  ? await postgresCoordinatorStore(JSON.parse(place))
  : lmdbCoordinatorStore(place);

const taskId = 'a1'.repeat(32);
const audit = (action) => [{ action, actor: `process-${prefix}`, outcome: 'done' }];
await store.recordTask({ taskId, name: 'acme', version: 1, signedManifest: '{}' }, audit('task'));
await store.openWindow({ taskId, window: 7, deadlineMs: 1 }, audit('window'));
for (let i = 0; i < Number(times); i++) {
  const round = prefix + i.toString(16).padStart(31, '0');
  const outcome = {
    state: 'opened',
    round,
    taskId,
    window: 7,
    closedMs: i,
    devices: 3,
    survivors: 3,
    silent: 0,
    drops: [],
    cost: { bytesIn: 1, bytesOut: 1, gatherMs: 1, roundMs: 1, cpuMs: 1 },
    attested: { incarnation: 1, n: 3, k: 2, t: 2, seed: '00', root: '00' },
  };
  const result = { keyId: 'key-1', sealed: new Uint8Array(10_000).fill(i) };
  await store.closeRound({ outcome, result }, audit('close'));
  writeSync(1, `${round}\n`);
}
await store.close();
