// A registrar process for the tests: the built package on a store, with a clock that the test sets.
// Standard input: one JSON line of options, then one JSON number per line, the time. Standard output: the
// URL, then each time as it is taken over.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { nativeSuite } from '@onlysum/crypto/node';
import { startRegistrar } from '@onlysum/registrar';
import { verifySignedManifest } from '@onlysum/task';
import { destination, pino } from 'pino';
import { openStore } from '../../packages/registrar/test/open-store.mjs';

let nowMs = 0;
let isStarted = false;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (isStarted) {
    nowMs = message;
    writeSync(1, `${nowMs}\n`);
    continue;
  }
  isStarted = true;
  nowMs = message.nowMs;
  const task = verifySignedManifest(nativeSuite, message.manifest);
  const { url } = await startRegistrar({
    seed: Buffer.from(message.seed, 'hex'),
    tasks: [task],
    epochLengthMs: task.manifest.epoch.lengthMs,
    store: await openStore(message.place),
    now: () => nowMs,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'error' }, destination(2)),
  });
  writeSync(1, `${url}\n`);
}
// Whoever started it is gone.
process.exit();
