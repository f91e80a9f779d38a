// A coordinator process that is to be killed: the built package on a durable store. Argument: options as
// JSON. Standard output: its log, one JSON line each.
import {
  fileSealing,
  httpRegistrar,
  lmdbCoordinatorStore,
  postgresCoordinatorStore,
  startCoordinator,
} from '@onlysum/coordinator';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifySignedManifest } from '@onlysum/task';
import { destination, pino } from 'pino';

const { manifest, seed, port, registrarUrl, place, keyFile, resultsDir, durations } = JSON.parse(
  process.argv[2],
);
const store = 'lmdb' in place ? lmdbCoordinatorStore(place.lmdb) : await postgresStore();
await startCoordinator({
  tasks: [verifySignedManifest(nativeSuite, manifest)],
  seed: Buffer.from(seed, 'hex'),
  registrar: httpRegistrar(registrarUrl),
  host: '127.0.0.1',
  port,
  durations,
  resultsDir,
  exportRounds: true,
  store,
  sealing: await fileSealing(keyFile, store),
  logger: pino({ level: 'info' }, destination({ fd: 1, sync: true })),
});
// Whoever started it is gone.
process.stdin.on('end', () => process.exit()).resume();

/** The schema that a killed process left half-made is finished by the next; its locks go with it. */
function postgresStore() {
  return postgresCoordinatorStore(place.postgres);
}
