/**
 * A device that opens a connection and reads nothing, on a real socket of the coordinator's port. No round
 * has so much to say to one device; whatever should ever have, the port does not keep it for a peer that
 * does not take it.
 */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { freshKeys, makeTask } from '../coordinator/wire-fleet.js';
import { type Attack, type Outcome, Stopped } from './attack.js';
import type { Build } from './weakened-build.js';

const MESSAGE_BYTES = 256 * 1024;
const MESSAGES = 256;
/** Far above the limit and what the kernel buffers, far below all that is sent. */
const MUCH_BYTES = (MESSAGE_BYTES * MESSAGES) / 2;

async function neverRead(build: Build): Promise<Outcome> {
  const keys = freshKeys();
  const task = makeTask(keys);
  const settings = build.checkCoordinatorOptions({
    tasks: [task],
    seed: keys.coordinator,
    registrar: { attest: () => Promise.reject(new Error('nobody asks')) },
    host: '127.0.0.1',
    port: 0,
    limits: { closeTimeoutMs: 60_000 },
    logger: pino({ level: 'silent' }),
  });
  let accept: (connection: Accepted) => void = () => undefined;
  const accepted = new Promise<Accepted>((resolve) => (accept = resolve));
  const server = await build.listen(settings, {
    onDevice: (connection) => accept(connection),
    onTurnedAway: () => undefined,
    health: () => ({ status: 'ok' }),
    readiness: () => Promise.resolve({ status: 'ready', reasons: [] }),
    metrics: undefined,
  });
  const url = `ws://127.0.0.1:${server.port}${new URL(task.manifest.coordinator.url).pathname}`;
  const reader = new WebSocket(url, 'onlysum.v1', { perMessageDeflate: false });
  try {
    await once(reader, 'open');
    reader.pause();
    const device = await accepted;
    let reason: string | undefined;
    device.listen({ onMessage: () => undefined, onGone: (code) => (reason = code) });
    const before = heldBytes();
    for (let i = 0; i < MESSAGES; i++) {
      device.send({ bytes: new Uint8Array(MESSAGE_BYTES).fill(i) });
      await new Promise(setImmediate);
    }
    const held = heldBytes() - before;
    const megabytes = `${Math.round(held / 2 ** 20)} MiB are held for a peer that reads nothing`;
    if (reason === undefined || held > MUCH_BYTES) return { succeeded: true, detail: megabytes };
    throw new Stopped(reason, megabytes);
  } finally {
    reader.terminate();
    await server.close();
  }
}

type Accepted = Parameters<Parameters<Build['listen']>[1]['onDevice']>[0];

/** Bytes in buffers that are still reachable. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

export const slowReader: Attack[] = [
  {
    name: 'slow: a device that reads nothing of what it is sent',
    designRow: 'slow, silent, flooding, half-open, garbage-sending connections',
    stoppedBy: 'a limit of messages that wait unread',
    refusal: 'overloaded',
    weaken: {
      file: 'coordinator/src/connection.ts',
      find: 'if (this.#waiting.length <= this.#limits.waitingMessages) return;',
      replace: 'return;',
    },
    run: neverRead,
  },
];
