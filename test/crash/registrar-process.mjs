// A registrar process that is to be killed: the built package on lmdb. Argument: options as JSON. Standard
// output: its log, one JSON line each.
import { nativeSuite } from '@onlysum/crypto/node';
import { lmdbStore, startRegistrar } from '@onlysum/registrar';
import { verifySignedManifest } from '@onlysum/task';
import { destination, pino } from 'pino';

const { manifest, seed, port, path } = JSON.parse(process.argv[2]);
const task = verifySignedManifest(nativeSuite, manifest);
await startRegistrar({
  seed: Buffer.from(seed, 'hex'),
  tasks: [task],
  epochLengthMs: task.manifest.epoch.lengthMs,
  store: lmdbStore(path),
  host: '127.0.0.1',
  port,
  logger: pino({ level: 'info' }, destination({ fd: 1, sync: true })),
});
// Whoever started it is gone.
process.stdin.on('end', () => process.exit()).resume();
