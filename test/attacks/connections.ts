/** Connections that cost the coordinator more than they should, on real sockets. */
import { type Socket, connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { freshKeys, makeTask } from '../coordinator/wire-fleet.js';
import { type Attack, type Outcome, Stopped } from './attack.js';
import { simulate } from './simulated-fleet.js';
import type { Build } from './weakened-build.js';

const designRow = 'slow, silent, flooding, half-open, garbage-sending connections';
const EPOCH_MS = 24 * 3_600_000;
/** Long beyond every limit that is set here. */
const PATIENCE_MS = 1_500;

type Coordinator = Awaited<ReturnType<Build['coordinatorSide']['startCoordinator']>>;
type Limits = Parameters<Build['coordinatorSide']['startCoordinator']>[0]['limits'];

async function withCoordinator(
  build: Build,
  limits: NonNullable<Limits>,
  run: (coordinator: Coordinator, sockets: (WebSocket | Socket)[]) => Promise<Outcome>,
): Promise<Outcome> {
  const keys = freshKeys();
  const task = makeTask(keys);
  const registrar = await build.registrarSide.createRegistrar({
    seed: keys.registrar,
    tasks: [task],
    epochLengthMs: EPOCH_MS,
    store: build.registrarSide.memoryStore(),
  });
  const coordinator = await build.coordinatorSide.startCoordinator({
    tasks: [task],
    seed: keys.coordinator,
    registrar,
    host: '127.0.0.1',
    port: 0,
    limits: { closeTimeoutMs: 200, ...limits },
    logger: pino({ level: 'silent' }),
  });
  const sockets: (WebSocket | Socket)[] = [];
  try {
    return await run(coordinator, sockets);
  } finally {
    for (const socket of sockets) {
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    }
    await coordinator.close({ graceMs: 0 });
  }
}

interface Caller {
  readonly socket: WebSocket;
  /** What it was told before the end, if it was. */
  readonly ended: Promise<string>;
}

async function call(build: Build, coordinator: Coordinator, sockets: unknown[]): Promise<Caller> {
  const socket = new WebSocket(coordinator.url, 'onlysum.v1', { perMessageDeflate: false });
  sockets.push(socket);
  let said = 'connection closed';
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    const raw = build.decodeFrame(new Uint8Array(data));
    if (raw[0] !== build.dropped.type) return;
    const { code, detail } = build.dropped.parse(raw);
    said = `${code}: ${detail}`;
  });
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(said)));
  await new Promise((resolve) => socket.once('open', resolve));
  return { socket, ended };
}

/** Whether the coordinator still keeps the connection after a while. */
async function outlasts(ended: Promise<string>, detail: string): Promise<Outcome> {
  const said = await Promise.race([ended, sleep(PATIENCE_MS)]);
  if (said === undefined) return { succeeded: true, detail };
  const [code = '', ...rest] = said.split(': ');
  throw new Stopped(code, rest.join(': '));
}

const IDLE_LIMITS = { helloTimeoutMs: 60_000, pingIntervalMs: 60_000 };

const stayingSilent = (build: Build): Promise<Outcome> =>
  withCoordinator(build, { ...IDLE_LIMITS, helloTimeoutMs: 300 }, async (coordinator, sockets) => {
    const { ended } = await call(build, coordinator, sockets);
    return outlasts(ended, 'a connection that never says Hello stays');
  });

const flooding = (build: Build): Promise<Outcome> =>
  withCoordinator(
    build,
    { ...IDLE_LIMITS, messagesPerConnection: 20 },
    async (coordinator, sockets) => {
      const { socket, ended } = await call(build, coordinator, sockets);
      for (let i = 0; i < 500; i++) socket.pong();
      return outlasts(ended, '500 pongs that nobody asked for are read');
    },
  );

const halfOpen = (build: Build): Promise<Outcome> =>
  withCoordinator(build, { ...IDLE_LIMITS, pingIntervalMs: 150 }, async (coordinator, sockets) => {
    const { socket } = await call(build, coordinator, sockets);
    // It reads nothing from now on, so no pong goes out either, and it does not see the end.
    socket.pause();
    const gone = (async () => {
      while (coordinator.health().connections > 0) await sleep(20);
      return 'connection-lost: pings had no answer';
    })();
    return outlasts(gone, 'a peer that is gone keeps its seat');
  });

const manyOfOneAddress = (build: Build): Promise<Outcome> =>
  withCoordinator(
    build,
    { ...IDLE_LIMITS, connectionsPerAddress: 10 },
    async (coordinator, sockets) => {
      const callers: Caller[] = [];
      for (let i = 0; i < 30; i++) callers.push(await call(build, coordinator, sockets));
      return outlasts(callers.at(-1)!.ended, '30 connections of one address are served');
    },
  );

const garbage = (build: Build): Promise<Outcome> =>
  withCoordinator(build, IDLE_LIMITS, async (coordinator, sockets) => {
    const { socket, ended } = await call(build, coordinator, sockets);
    socket.send(new Uint8Array(100_000).fill(0xc1));
    const said = await ended;
    // Either way it is sent away; the question is who had to read 100 kB of a stranger first.
    if (!said.startsWith('oversized'))
      return { succeeded: true, detail: `it was parsed (${said})` };
    throw new Stopped('oversized', said.slice('oversized: '.length));
  });

const slowHead = (build: Build): Promise<Outcome> =>
  withCoordinator(build, { ...IDLE_LIMITS, helloTimeoutMs: 300 }, async (coordinator, sockets) => {
    const socket = connectTcp(coordinator.port, '127.0.0.1');
    sockets.push(socket);
    const ended = new Promise<string>((resolve) => {
      socket.once('close', () => resolve('timeout: closed before the head was complete'));
    });
    socket.on('error', () => undefined).resume();
    socket.write('GET /healthz HTTP/1.1\r\n');
    return outlasts(ended, 'a request whose head never ends stays open');
  });

/** With one credit in all: it asks for it, and never sends. Its seat is lost, not the others' time. */
function hoardCredit(build: Build): Outcome {
  const { outcome } = simulate(build, {
    uploadCredits: 1,
    kills: [{ device: 2, when: 'before', message: 'MaskedInput', noticed: false }],
  });
  if (outcome.kind !== 'result') {
    return { succeeded: true, detail: 'one device that keeps its credit ended the round' };
  }
  const [drop] = outcome.result.dropped;
  throw new Stopped(drop?.code ?? '', 'its credit went to the others, and the sum opened');
}

/** It shared its place in the round, and then neither speaks nor leaves. */
function silentInRound(build: Build): Outcome {
  const { outcome } = simulate(build, {
    kills: [{ device: 2, when: 'before', message: 'ShareKeys', noticed: false }],
  });
  if (outcome.kind !== 'result') {
    return { succeeded: true, detail: 'one silent device ended the round' };
  }
  const [drop] = outcome.result.dropped;
  throw new Stopped(drop?.code ?? '', 'the stage was closed without it, and the sum opened');
}

export const connections: Attack[] = [
  {
    name: 'silent: a device of the roster says nothing more',
    designRow,
    stoppedBy: 'a deadline for every stage',
    refusal: 'deadline-missed',
    weaken: {
      file: 'protocol/src/coordinator/machine.ts',
      find: 'event.stage === state.stage ? onDeadline(state, params, context) : [state, []]',
      replace: '[state, []]',
    },
    run: silentInRound,
  },
  {
    name: 'slow: a device keeps the only upload credit',
    designRow,
    stoppedBy: 'a credit that lies unused is free again',
    refusal: 'deadline-missed',
    weaken: {
      file: 'protocol/src/coordinator/masked-input.ts',
      find: '!cohort.waiting.has(index) || context.nowMs - sinceMs >= uploadMs',
      replace: '!cohort.waiting.has(index)',
    },
    run: hoardCredit,
  },
  {
    name: 'silent: a connection without Hello',
    designRow,
    stoppedBy: 'a deadline for Hello',
    refusal: 'deadline-missed',
    weaken: {
      file: 'coordinator/src/connection.ts',
      find: "this.drop('deadline-missed', `no ${what} came within ${withinMs} ms`);",
      replace: '',
    },
    run: stayingSilent,
  },
  {
    name: 'slow: a request head that never ends',
    designRow,
    stoppedBy: 'a deadline for the head of a request',
    refusal: 'timeout',
    weaken: {
      file: 'coordinator/src/server.ts',
      find: 'Math.ceil(limits.helloTimeoutMs / 4)',
      replace: '3_600_000',
    },
    run: slowHead,
  },
  {
    name: 'flooding: 500 pongs',
    designRow,
    stoppedBy: 'a limit of messages per connection',
    refusal: 'oversized',
    weaken: {
      file: 'coordinator/src/connection.ts',
      find: 'if (this.#messages <= messagesPerConnection) return true;',
      replace: 'return true;',
    },
    run: flooding,
  },
  {
    name: 'flooding: 30 connections of one address',
    designRow,
    stoppedBy: 'a limit of connections per address',
    refusal: 'overloaded',
    weaken: {
      file: 'coordinator/src/server.ts',
      find: '(this.#perAddress.get(address) ?? 0) >= connectionsPerAddress',
      replace: 'false',
    },
    run: manyOfOneAddress,
  },
  {
    name: 'half-open: a peer that no longer answers',
    designRow,
    stoppedBy: 'pings',
    refusal: 'connection-lost',
    weaken: {
      file: 'coordinator/src/connection.ts',
      find: 'if (this.#awaitsPong) {',
      replace: 'if (false) {',
    },
    run: halfOpen,
  },
  {
    name: 'garbage: 100 kB in place of Hello',
    designRow,
    stoppedBy: 'a small frame limit before Hello',
    refusal: 'oversized',
    weaken: {
      file: 'coordinator/src/connection.ts',
      find: 'if (frame.length > this.#frameBytes) {',
      replace: 'if (false) {',
    },
    run: garbage,
  },
];
