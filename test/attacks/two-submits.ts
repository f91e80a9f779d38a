/**
 * One process, one store, two submissions at once, in rounds of two tasks with the same metrics: both have
 * their U2 at the same moment. The rounds are on real sockets, with an honest coordinator and registrar.
 */
import { pino } from 'pino';
import {
  enrolDevice,
  freshKeys,
  lanesOf,
  makeTask,
  runDevice,
  type Fleet,
} from '../coordinator/wire-fleet.js';
import { type Attack, type Outcome, Stopped } from './attack.js';
import type { Build } from './weakened-build.js';

const designRow =
  'same device twice in a window: two rounds at once, two tabs, twin tasks, epoch change, ' +
  'rolled-back window';
const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 };
const COHORT = { cohort: { min: 3, target: 3, max: 3 }, dropout: 0 };

type Transport = ReturnType<Build['clientSide']['webSocketTransport']>;

async function submitTwice(build: Build): Promise<Outcome> {
  const { clientSide, coordinatorSide, registrarSide } = build;
  const keys = freshKeys();
  const tasks = ['first', 'second'].map((name) => makeTask(keys, { ...COHORT, name }));
  const logger = pino({ level: 'silent' });
  const at = { host: '127.0.0.1', port: 0, logger };
  const running = await registrarSide.startRegistrar({
    ...at,
    seed: keys.registrar,
    tasks,
    epochLengthMs: tasks[0]!.manifest.epoch.lengthMs,
    store: registrarSide.memoryStore(),
  });
  const { registrar } = running;
  const coordinator = await coordinatorSide.startCoordinator({
    ...at,
    tasks,
    seed: keys.coordinator,
    registrar,
  });
  try {
    const store = clientSide.memoryStore();
    const wire = new Wire(build, coordinator.url);
    const clients = await Promise.all(
      tasks.map((task) =>
        clientSide.createClient({
          manifest: { manifest: task.manifest, signature: build.toHex(task.signature) },
          publisherKey: task.manifest.publisher,
          registrarUrl: running.url,
          store,
          floor: FLOOR,
          transport: wire.transport,
        }),
      ),
    );
    const [code = ''] = await registrar.makeCodes(1, 60_000);
    for (const client of clients) await client.enrol(code);
    const others = tasks.flatMap((task) =>
      [1, 2].map(async (i) => {
        const fleet: Pick<Fleet, 'task' | 'coordinator'> = { task, coordinator };
        const identity = await enrolDevice({ registrar });
        return await runDevice(fleet, identity, { lanes: lanesOf(task, i) });
      }),
    );
    const ends = await Promise.allSettled(clients.map((client) => client.submit({ attempts: 1 })));
    await coordinator.close({ graceMs: 0 });
    await Promise.all(others);
    if (wire.maskedInputs > 1) {
      return { succeeded: true, detail: `${wire.maskedInputs} masked inputs left for one window` };
    }
    const [refused] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    throw new Stopped(String(refused?.code), String(refused?.message));
  } finally {
    await coordinator.close({ graceMs: 0 });
    await running.close();
  }
}

/** Carries what the clients send and get; each round's U2 waits for that of the other. */
class Wire {
  maskedInputs = 0;
  readonly transport: Transport;
  #waiting: (() => void)[] = [];

  constructor({ clientSide, decodeFrame, maskedInput, sharedSet }: Build, url: string) {
    this.transport = {
      connect: (_, options) => {
        const connection = clientSide.nodeTransport.connect(url, {
          ...options,
          onMessage: (bytes) => {
            const deliver = (): void => options.onMessage(bytes);
            if (decodeFrame(bytes)[0] === sharedSet.type) this.#whenBothAreHere(deliver);
            else deliver();
          },
        });
        return {
          send: (bytes) => {
            if (decodeFrame(bytes)[0] === maskedInput.type) this.maskedInputs++;
            connection.send(bytes);
          },
          close: () => connection.close(),
        };
      },
    };
  }

  #whenBothAreHere(deliver: () => void): void {
    this.#waiting.push(deliver);
    if (this.#waiting.length < 2) return;
    for (const each of this.#waiting.splice(0)) each();
  }
}

export const twoSubmits: Attack[] = [
  {
    name: 'two submissions of one process at once',
    designRow,
    stoppedBy: 'the store changes its record in one step',
    refusal: 'already-contributed',
    weaken: {
      file: 'client/src/memory-store.ts',
      find: 'const [next, result] = change(structuredClone(record));',
      // As a store would be that reads, waits for its disk, and writes.
      replace: `const before = structuredClone(record);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [next, result] = change(before);`,
    },
    run: submitTwice,
  },
];
