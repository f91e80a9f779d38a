/**
 * A worker process of the fleet: its share of the devices, and nothing that outlives the demo.
 * Knows: the messages of its parent. Doesn't know: registrar, coordinator, the other workers.
 */
import { parseHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { verifySignedManifest } from '@onlysum/task';
import { type EnrolledDevice, enrolDevice } from './device.js';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.js';

/** Devices that start at a time: more would measure how they wait for each other. */
const STARTING_TOGETHER = 3;

/** Devices of a process that connect at a time: nowhere do thousands in the same millisecond. */
const ARRIVING_TOGETHER = 25;

const devices: EnrolledDevice[] = [];
let cpuAtStart = process.cpuUsage();

process.on('message', (message: ToWorker) => {
  const step = message.kind === 'start' ? enrolAll(message.setup) : submitAll();
  step.catch((error: unknown) => report({ kind: 'failed', detail: String(error) }));
});
// The demo is gone, whatever its reason.
process.on('disconnect', () => process.exit());
report({ kind: 'booted' });

async function enrolAll(setup: WorkerSetup): Promise<void> {
  cpuAtStart = process.cpuUsage();
  const publisher = parseHex('publisherKey', setup.publisherKey, 32);
  const task = verifySignedManifest(nativeSuite, setup.signedManifest, publisher);
  const waiting = [...setup.devices];
  const startNext = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      devices.push(await enrolDevice(plan, { setup, task, report }));
    }
  };
  await Promise.all(Array.from({ length: STARTING_TOGETHER }, startNext));
}

async function submitAll(): Promise<void> {
  const waiting = devices.values();
  const done: Promise<void>[] = [];
  const bringNext = async (): Promise<void> => {
    for (const device of waiting) {
      done.push(device.submit().then((said) => report({ kind: 'done', report: said })));
      await device.arrived;
    }
  };
  await Promise.all(Array.from({ length: ARRIVING_TOGETHER }, bringNext));
  await Promise.all(done);
  const { user, system } = process.cpuUsage(cpuAtStart);
  report({ kind: 'finished', cpuMs: (user + system) / 1000 });
}

function report(message: FromWorker): void {
  process.send?.(message);
}
