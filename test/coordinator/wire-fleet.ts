/**
 * A coordinator on a real socket, a registrar in this process, and devices that run the real device
 * machine over WebSocket, with a hook on everything a device sends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LABELS, type OnlysumError, encodeLabelled, runDerive, systemRng } from '@onlysum/crypto';
import {
  type CoordinatorOptions,
  type PublishedResult,
  type RegistrarPort,
  type RunningCoordinator,
  startCoordinator,
} from '@onlysum/coordinator';
import {
  type Certificate,
  type DeviceEffect,
  type DeviceEvent,
  type Receipt,
  decodeFrame,
  dropped,
  enrolmentStatement,
  startDevice,
  stepDevice,
} from '@onlysum/protocol';
import {
  type Registrar,
  type RegistrarStore,
  createRegistrar,
  memoryStore,
} from '@onlysum/registrar';
import { drawNoise } from '@onlysum/metrics';
import type { Task } from '@onlysum/task';
import { type Logger, pino } from 'pino';
import { WebSocket } from 'ws';
import {
  EPOCH_MS,
  type FleetOptions,
  type Keys,
  freshKeys,
  lanesOf,
  makeTask,
  suite,
} from './wire-task.js';

export { freshKeys, lanesOf, makeTask, suite, sumLanes } from './wire-task.js';

/** No close code of RFC 6455: the socket is not closed. */
const ABANDONED = 0;
const FLOOR = { minHonest: 2, maxDevices: 1000, minCorrupt: 1, minPopulation: 0 };

export interface Fleet {
  readonly task: Task;
  readonly keys: Keys;
  readonly registrar: Registrar;
  readonly coordinator: RunningCoordinator;
  readonly results: PublishedResult[];
  readonly log: LogLines;
}

export interface LogLines {
  readonly logger: Logger;
  readonly lines: string[];
}

export function captureLog(): LogLines {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  return { logger, lines };
}

export interface StartOptions extends FleetOptions {
  readonly coordinator?: Partial<CoordinatorOptions>;
  /** Stands between the coordinator and the real registrar. */
  readonly port?: (registrar: Registrar) => RegistrarPort;
  readonly moreTasks?: readonly FleetOptions[];
  readonly registrarStore?: RegistrarStore;
}

export async function startFleet(options: StartOptions = {}): Promise<Fleet> {
  const keys = freshKeys();
  const task = makeTask(keys, options);
  const tasks = [task, ...(options.moreTasks ?? []).map((more) => makeTask(keys, more))];
  const registrar = await createRegistrar({
    seed: keys.registrar,
    tasks,
    epochLengthMs: EPOCH_MS,
    store: options.registrarStore ?? memoryStore(),
  });
  const results: PublishedResult[] = [];
  const log = captureLog();
  const coordinator = await startCoordinator({
    tasks,
    seed: keys.coordinator,
    registrar: options.port?.(registrar) ?? registrar,
    host: '127.0.0.1',
    port: 0,
    logger: log.logger,
    onResult: (result) => {
      results.push(result);
    },
    ...options.coordinator,
  });
  return { task, keys, registrar, coordinator, results, log };
}

export interface Identity {
  readonly seed: Uint8Array;
  readonly certificate: Certificate;
}

export async function enrolDevice({ registrar }: Pick<Fleet, 'registrar'>): Promise<Identity> {
  const seed = systemRng(32);
  const pseudonym = suite.ed25519PublicKey(seed);
  const [code = ''] = await registrar.makeCodes(1, 60_000);
  const statement = enrolmentStatement(registrar.publicKey, code, pseudonym);
  const proof = suite.ed25519Sign(seed, statement);
  return { seed, certificate: await registrar.enrol({ code, pseudonym, proof }) };
}

export function enrolDevices(fleet: Pick<Fleet, 'registrar'>, count: number): Promise<Identity[]> {
  return Promise.all(Array.from({ length: count }, () => enrolDevice(fleet)));
}

export type Outgoing = Uint8Array | string;

export interface DeviceOptions {
  readonly task?: Task;
  readonly lanes?: Uint32Array;
  /** What leaves instead of a message; `line` allows worse. Type is that of the message. */
  readonly tamper?: (type: number, bytes: Uint8Array, line: Line) => readonly Outgoing[];
  /** Called when its connection broke inside the round; it comes back once that resolves. */
  readonly returns?: () => Promise<unknown>;
  /** Sees every frame. */
  readonly tap?: (direction: 'up' | 'down', bytes: Uint8Array) => void;
}

/** The device's end of its present connection. */
export interface Line {
  readonly socket: WebSocket;
  /** Reads nothing more of it, leaves it open, and takes it for lost: half-open. */
  abandon(): void;
}

export interface DeviceReport {
  readonly receipt: Receipt | undefined;
  readonly error: OnlysumError | undefined;
  /** The coordinator's last word, if it sent the device away. */
  readonly droppedCode: string | undefined;
  readonly droppedDetail: string | undefined;
  readonly retryInMs: number | undefined;
  readonly closeCode: number;
}

/** One attempt at a round; resolves when the socket is closed and the device does not come back. */
export function runDevice(
  fleet: Pick<Fleet, 'task' | 'coordinator'>,
  identity: Identity,
  options: DeviceOptions = {},
): Promise<DeviceReport> {
  const task = options.task ?? fleet.task;
  let state = startDevice();
  let report: Partial<DeviceReport> = {};
  let socket: WebSocket;
  let isOnline = false;
  let resolve: (report: DeviceReport) => void;
  const params = {
    task,
    floor: FLOOR,
    pseudonymSeed: identity.seed,
    certificate: identity.certificate,
    incarnation: 0,
  };
  const step = (event: DeviceEvent): void => {
    const context = { suite, rng: systemRng, nowMs: Date.now() };
    const [next, effects] = stepDevice(state, event, params, context);
    state = next;
    for (const effect of effects) carryOut(effect);
  };
  const send = (bytes: Uint8Array): void => {
    const type = Number(decodeFrame(bytes)[0]);
    const own = socket;
    const line = { socket: own, abandon: () => lose(own, ABANDONED) };
    for (const frame of options.tamper?.(type, bytes, line) ?? [bytes]) {
      if (typeof frame !== 'string') options.tap?.('up', frame);
      if (own.readyState === WebSocket.OPEN) own.send(frame);
    }
  };
  const carryOut = (effect: DeviceEffect): void => {
    switch (effect.kind) {
      case 'send':
        return send(effect.bytes);
      case 'derive':
        return step({ kind: 'derived', results: runDerive(suite, effect.batch) });
      case 'need-noise': {
        const drawn = drawNoise(task.layout.lanes, effect.shares, systemRng);
        return step({ kind: 'noise', lanes: drawn });
      }
      case 'need-input':
        return step({ kind: 'input', lanes: (options.lanes ?? lanesOf(task, 1)).slice() });
      case 'persist':
        return step({ kind: 'persisted', outcome: 'reserved' });
      case 'finish':
        report =
          effect.outcome.kind === 'receipt'
            ? { ...report, receipt: effect.outcome.receipt }
            : { ...report, error: effect.outcome.error };
        return;
    }
  };
  const lose = (lost: WebSocket, closeCode: number): void => {
    if (lost !== socket || !isOnline) return;
    isOnline = false;
    if (closeCode === ABANDONED) lost.pause();
    step({ kind: 'disconnected' });
    if (options.returns !== undefined && state.phase !== 'finished') {
      void options.returns().then(open);
      return;
    }
    resolve({
      receipt: report.receipt,
      error: report.error,
      droppedCode: report.droppedCode,
      droppedDetail: report.droppedDetail,
      retryInMs: report.retryInMs,
      closeCode,
    });
  };
  const open = (): void => {
    const opened = connect(fleet);
    socket = opened;
    isOnline = true;
    opened.on('message', (data: Buffer) => {
      if (opened !== socket || !isOnline) return;
      const bytes = new Uint8Array(data);
      options.tap?.('down', bytes);
      const raw = decodeFrame(bytes);
      if (raw[0] === dropped.type) {
        const { code, detail, retryInMs } = dropped.parse(raw);
        report = { ...report, droppedCode: code, droppedDetail: detail, retryInMs };
      }
      step({ kind: 'message', bytes });
    });
    opened.on('error', () => undefined);
    opened.on('close', (closeCode) => lose(opened, closeCode));
  };
  return new Promise((settled) => {
    resolve = settled;
    open();
  });
}

export function connect({ coordinator }: Pick<Fleet, 'coordinator'>): WebSocket {
  return new WebSocket(coordinator.url, 'onlysum.v1', { perMessageDeflate: false });
}

/** Runs devices with inputs `lanesOf(task, i)`; `options(i)` makes some of them misbehave. */
export async function runDevices(
  fleet: Fleet,
  identities: readonly Identity[],
  options: (i: number) => DeviceOptions = () => ({}),
): Promise<DeviceReport[]> {
  return await Promise.all(
    identities.map((identity, i) =>
      runDevice(fleet, identity, { lanes: lanesOf(fleet.task, i), ...options(i) }),
    ),
  );
}

export async function until(condition: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline)
      throw new Error(`not so after ${withinMs} ms: ${condition.toString()}`);
    await sleep(10);
  }
}

/** A signature-shaped value under no key that matters. */
export function strangersSignature(): Uint8Array {
  return suite.ed25519Sign(systemRng(32), encodeLabelled(LABELS.hello, 'stranger'));
}
