/**
 * The shipped coordinator in a process of its own: `coordinator-process.ts FOLDER`. So that recorded
 * messages fit, it gets the recorded round id, hour and answers of the registrar; all else is as always.
 */
import { systemRng } from '@onlysum/crypto';
import {
  type CoordinatorStore,
  memoryCoordinatorStore,
  type RegistrarPort,
  startCoordinator,
} from '@onlysum/coordinator';
import {
  closeRequest,
  encodeResponse,
  rosterRequest,
  sharedSetRequest,
  survivorSetRequest,
  windowRequest,
} from '@onlysum/protocol';
import { pino } from 'pino';
import { readService } from './recorded-files.js';
import { measureFromGo, report } from './server-meter.js';

/** Long enough for any replay: everybody answers, or leaves. */
const PATIENCE_MS = 1_800_000;
/** Sooner than this nobody who left is missed. */
const POLL_MS = 2;

const [folder = ''] = process.argv.slice(2);
const { plan, nowMs, round, answers, result } = readService(folder);
const { task, coordinatorSeed } = plan.task;
const { devices } = result;
const limits = { connections: devices, connectionsPerAddress: devices };
const finished = measureFromGo();

/** In the order of the answers. A request is not decoded: that is another process's work. */
const asked = [windowRequest, rosterRequest, sharedSetRequest, survivorSetRequest];
const closedAnswer = encodeResponse({ kind: 'closed' });
const registrar: RegistrarPort = {
  attest: async (bytes) => {
    // MessagePack's array header, then the type.
    const type = bytes[1] ?? 0;
    if (type === closeRequest.type) return closedAnswer;
    const answer = answers[asked.findIndex((request) => request.type === type)];
    if (answer === undefined) throw new Error(`the registrar was never asked for type ${type}`);
    return answer;
  },
};

const kept = memoryCoordinatorStore();
let replays = 0;
/** A store keeps a round once, and each replay is the same one again: here each has an id of its own. */
const store: CoordinatorStore = new Proxy(kept, {
  get: (target, name: keyof CoordinatorStore) => {
    if (name !== 'closeRound') return target[name].bind(target);
    const closeRound: CoordinatorStore['closeRound'] = (close, audit) => {
      const { outcome } = close;
      const id = (replays++).toString(16).padStart(outcome.round.length, '0');
      return target.closeRound(
        { ...close, outcome: { ...outcome, round: id } } as typeof close,
        audit,
      );
    };
    return closeRound;
  },
});

const coordinator = await startCoordinator({
  tasks: [task],
  store,
  seed: coordinatorSeed,
  registrar,
  host: '127.0.0.1',
  port: 0,
  limits: { ...limits, helloTimeoutMs: PATIENCE_MS, pingIntervalMs: PATIENCE_MS },
  durations: {
    gatherMs: PATIENCE_MS,
    shareKeysMs: PATIENCE_MS,
    maskedInputMs: PATIENCE_MS,
    unmaskingMs: PATIENCE_MS,
    recoveryMs: PATIENCE_MS,
  },
  // Drawn once: as the round's id.
  rng: (length) => (length === round.length ? round.slice() : systemRng(length)),
  now: () => nowMs,
  logger: pino({ level: 'fatal' }),
  onResult: ({ lanes, survivors }) => {
    const isSame =
      survivors === result.survivors && lanes.every((sum, j) => sum === result.lanes[j]);
    if (!isSame) report({ kind: 'failed', detail: 'the opened sum is not the recorded one' });
    const poll = setInterval(() => {
      if (coordinator.health().connections > 0) return;
      clearInterval(poll);
      finished();
    }, POLL_MS);
  },
});
report({ kind: 'listening', url: coordinator.url });
