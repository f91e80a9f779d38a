/** A worker thread that takes masks off: one part in, one outcome out. Its copy of the secrets ends here. */
import { parentPort, workerData } from 'node:worker_threads';
import { portableSuite, wipe } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { openPart, wipeRecovered } from '@onlysum/protocol';
import type { WorkerSettings } from './open-sum-pool.js';
import { type PackedPart, unpackPart } from './pack-part.js';

const { suiteName } = workerData as WorkerSettings;
const suite = suiteName === 'portable' ? portableSuite : nativeSuite;

parentPort?.on('message', (packed: PackedPart) => {
  const outcome = openPart(suite, unpackPart(packed));
  wipe(packed.secrets);
  // Transferred, so that no copy of a partial sum stays here.
  const moved = outcome.kind === 'unmasking' ? [outcome.unmasking.buffer] : [];
  parentPort?.postMessage(outcome, moved);
  if (outcome.kind === 'unmasking') wipeRecovered(outcome.recovered);
});
