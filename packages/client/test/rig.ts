/**
 * A registrar and a coordinator for tests of the client: the shipped machines behind an in-process
 * `fetch` and a real WebSocket server, with a hand in between that can spoil what one device is told.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { runDerive, systemRng, toHex, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import * as protocol from '@onlysum/protocol';
import {
  type Manifest,
  signManifest,
  type Task,
  verifySignedManifest,
  windowAt,
} from '@onlysum/task';
import { WebSocket, WebSocketServer } from 'ws';
import type { FetchLike } from '../src/registrar-http.js';

export const suite = nativeSuite;
export const WINDOW_MS = 3_600_000;
export const EPOCH_MS = 4 * WINDOW_MS;
/** A little after a window opened, in the first window of an epoch. */
export const START_MS = 100_000 * EPOCH_MS + 1000;

const seeds = unsafeSeededRng('client rig');
export const publisherSeed = seeds(32);
const registrarSeed = seeds(32);
const coordinatorSeed = seeds(32);
export const publisherKey = toHex(suite.ed25519PublicKey(publisherSeed));
export const registrarKey = toHex(suite.ed25519PublicKey(registrarSeed));
/** Nobody listens there: the in-process fetch answers. */
export const REGISTRAR_URL = 'https://registrar.test';

const origin = { owner: 'Desktop team', retentionDays: 30, access: ['analyst'] as const };
const range = { min: '0', max: '100', resolution: '0.5', unit: 's' };

export function manifest(url: string, change: Partial<Manifest> = {}): Manifest {
  return {
    onlysum: 1,
    suite: 1,
    name: 'client-test',
    version: 1,
    publisher: publisherKey,
    registrar: registrarKey,
    coordinator: { key: toHex(suite.ed25519PublicKey(coordinatorSeed)), url },
    window: { lengthMs: WINDOW_MS },
    epoch: { lengthMs: EPOCH_MS },
    cohort: { min: 3, target: 3, max: 10 },
    minSurvivors: 3,
    attempts: 16,
    assumptions: { corrupt: 10, dropout: 200, population: 10_000 },
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    validity: { notBeforeMs: START_MS - 1000, notAfterMs: START_MS + 1000 * EPOCH_MS },
    groups: [
      { name: 'essential', purpose: 'Count installations', essential: true },
      { name: 'performance', purpose: 'Find slow starts', essential: false },
    ],
    metrics: [
      { ...origin, name: 'active', kind: 'flag', group: 'essential', purpose: 'In use' },
      { ...origin, name: 'crashes', kind: 'count', group: 'essential', purpose: 'Crashes', max: 9 },
      {
        ...origin,
        name: 'edition',
        kind: 'category',
        group: 'essential',
        purpose: 'Editions',
        categories: ['free', 'pro'],
      },
      { ...origin, name: 'busy', kind: 'sum', group: 'performance', purpose: 'Load', ...range },
    ],
    ...change,
  };
}

export function signed(plain: Manifest, seed = publisherSeed): unknown {
  return JSON.parse(JSON.stringify(signManifest(suite, plain, seed)));
}

/** What a connection of the rig may do instead of what the machines say. */
export interface Hand {
  /** @returns what is sent to the connection instead of `bytes`. */
  down?(type: number, bytes: Uint8Array, connection: number): readonly (Uint8Array | string)[];
  /** Runs on what a device sends, before the coordinator sees it; false: the coordinator does not. */
  up?(type: number, bytes: Uint8Array, connection: number, socket: WebSocket): boolean;
}

export interface Rig {
  readonly url: string;
  readonly task: Task;
  readonly signedManifest: unknown;
  /** Clock of registrar and coordinator. */
  nowMs: number;
  hand: Hand;
  readonly fetch: FetchLike;
  /** What devices are told of the present window instead of the truth. */
  announce: (announcement: protocol.Announcement) => protocol.Announcement;
  /** Requests made of the registrar: its paths. */
  readonly requests: string[];
  /** Connections made so far. */
  connections: number;
  readonly results: protocol.RoundResult[];
  code(): string;
  /** A certificate as the registrar would answer it, without enrolling anybody. */
  certify(certificate: Omit<protocol.Certificate, 'signature'>): Record<string, unknown>;
  revoke(pseudonymHex: string): void;
  close(): Promise<void>;
}

/** @param change - what differs from the manifest above. */
export async function startRig(change: Partial<Manifest> = {}): Promise<Rig> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'onlysum.v1',
  });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const url = `ws://127.0.0.1:${port}/v1`;
  const signedManifest = signed(manifest(url, change));
  const task = verifySignedManifest(suite, signedManifest);
  const tasks = new Map([[toHex(task.taskId), task]]);
  const params = {
    seed: registrarSeed,
    publicKey: task.registrarKey,
    epochLengthMs: task.manifest.epoch.lengthMs,
    tasks,
  };
  const ledger = new protocol.MemoryLedger();
  const requests: string[] = [];
  const results: protocol.RoundResult[] = [];
  const sockets = new Map<number, WebSocket>();
  let round: { state: protocol.CoordinatorState; params: protocol.RoundParams } | undefined;

  const rig: Rig = {
    url,
    task,
    signedManifest,
    nowMs: START_MS,
    hand: {},
    requests,
    connections: 0,
    results,
    announce: (announcement) => announcement,
    fetch: async (target, { method, body = '{}' }) => {
      const path = new URL(target).pathname;
      requests.push(path);
      if (method === 'GET') return announcement();
      return answer(path, JSON.parse(body) as Record<string, unknown>);
    },
    code: () => protocol.makeCodes(ledger, 1, EPOCH_MS, context())[0] ?? '',
    certify: (certificate) => {
      const unsigned = { ...certificate, signature: new Uint8Array(64) };
      const check = protocol.certificateCheck(task.registrarKey, unsigned);
      const message = 'message' in check ? check.message : new Uint8Array(0);
      const signature = toHex(suite.ed25519Sign(registrarSeed, message));
      return { ...certificate, pseudonym: toHex(certificate.pseudonym), signature };
    },
    revoke: (pseudonym) => void protocol.revoke(ledger, pseudonym),
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
  const context = () => ({ suite, rng: systemRng, nowMs: rig.nowMs });
  protocol.newIncarnation(ledger, context());

  const announcement = () => {
    const { index: window } = windowAt(task.manifest, rig.nowMs);
    const opened = ask({ kind: 'window', taskId: task.taskId, window });
    if (opened.kind !== 'window') throw new Error(JSON.stringify(opened));
    const { value, signature, ...plain } = rig.announce(opened.announcement);
    const json = { ...plain, value: toHex(value), signature: toHex(signature) };
    return { status: 200, text: async () => JSON.stringify(json) };
  };
  const answer = (path: string, body: Record<string, unknown>) => {
    try {
      const certificate = path === '/v1/enrol' ? enrol(body) : renew(body);
      const json = {
        ...certificate,
        pseudonym: toHex(certificate.pseudonym),
        signature: toHex(certificate.signature),
      };
      return { status: 200, text: async () => JSON.stringify(json) };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      const json = { error: { code, message, retryable: false } };
      return { status: 400, text: async () => JSON.stringify(json) };
    }
  };
  const enrol = (body: Record<string, unknown>) => {
    const { code, pseudonym, proof } = body as Record<string, string>;
    const request = { code: code ?? '', pseudonym: bytes(pseudonym), proof: bytes(proof) };
    const checks = runDerive(suite, protocol.enrolChecks(request, params));
    return protocol.enrol(ledger, request, checks, params, context());
  };
  const renew = (body: Record<string, unknown>) => {
    const text = body as Record<string, string>;
    const request = {
      previous: bytes(text['previous']),
      pseudonym: bytes(text['pseudonym']),
      epoch: Number(body['epoch']),
      authorisation: bytes(text['authorisation']),
      proof: bytes(text['proof']),
    };
    const checks = runDerive(suite, protocol.renewChecks(request, params));
    return protocol.renew(ledger, request, checks, params, context());
  };
  const signedHead = (role: protocol.AuditedRole, of: Uint8Array) => {
    const seed = role === 'coordinator' ? coordinatorSeed : registrarSeed;
    const head = { sequence: ++audited, digest: systemRng(32) };
    return protocol.signAuditHead(suite, seed, role, of, head);
  };
  let audited = 0;
  const ask = (unsigned: protocol.UnsignedRequest): protocol.RegistrarResponse => {
    const [signature] = runDerive(suite, [protocol.requestSigning(unsigned, coordinatorSeed)]);
    const request = { ...unsigned, signature: signature as Uint8Array };
    const checks = protocol.checkRequest(ledger, request, params);
    if ('kind' in checks) return checks;
    try {
      const verified = runDerive(suite, [checks.own, ...checks.members()]);
      const answer = protocol.answerRequest(ledger, request, checks, verified, params, context());
      if (answer.kind !== 'set' || !('round' in unsigned)) return answer;
      return { ...answer, auditHead: signedHead('registrar', unsigned.round) };
    } catch (error) {
      return protocol.refusal(error);
    }
  };

  const present = () => {
    const window = windowAt(task.manifest, rig.nowMs);
    if (round?.state.stage === 'gathering') {
      if (round.params.window.index === window.index) return round;
      step({ kind: 'stop', detail: 'the window is over' });
    }
    const opened = ask({ kind: 'window', taskId: task.taskId, window: window.index });
    if (opened.kind !== 'window') throw new Error(JSON.stringify(opened));
    const fresh = {
      task,
      window,
      announcement: opened.announcement,
      round: systemRng(16),
      durations: protocol.DEFAULT_DURATIONS,
      uploadCredits: protocol.DEFAULT_UPLOAD_CREDITS,
      unmasking: 'direct' as const,
    };
    const [state] = protocol.startRound(fresh, rig.nowMs);
    round = { state, params: fresh };
    return round;
  };
  const step = (event: protocol.CoordinatorEvent): void => {
    if (round === undefined) return;
    const own = round;
    const [state, effects] = protocol.stepCoordinator(own.state, event, own.params, context());
    own.state = state;
    for (const effect of effects) perform(effect);
  };
  const down = (connection: number, frame: Uint8Array): void => {
    const type = Number(protocol.decodeFrame(frame)[0]);
    for (const instead of rig.hand.down?.(type, frame, connection) ?? [frame]) {
      sockets.get(connection)?.send(instead);
    }
  };
  const perform = (effect: protocol.CoordinatorEffect): void => {
    switch (effect.kind) {
      case 'send':
        return down(effect.device, effect.bytes);
      case 'drop': {
        const { code, detail, retryInMs } = effect;
        down(effect.device, protocol.dropped.encode({ code, detail, retryInMs }));
        return sockets.get(effect.device)?.close(protocol.DROP_REASONS[code].closeCode);
      }
      case 'grace': {
        const { device, inMs } = effect;
        setTimeout(() => step({ kind: 'grace-over', device }), inMs).unref();
        return;
      }
      case 'release':
        return sockets.get(effect.device)?.close(1000);
      case 'attest': {
        const response = ask(effect.request);
        if (effect.request.kind !== 'close') step({ kind: 'answered', response });
        return;
      }
      case 'open':
        return step({ kind: 'opened', outcome: protocol.openSum(suite, effect.job) });
      case 'result':
        results.push(effect.result);
        return step({
          kind: 'kept',
          auditHead: signedHead('coordinator', effect.result.facts.round),
        });
      default:
    }
  };

  server.on('connection', (socket: WebSocket, _request: IncomingMessage) => {
    const connection = rig.connections++;
    sockets.set(connection, socket);
    const { bytes: first, challenge } = protocol.makeChallenge(context());
    let isAdmitted = false;
    socket.on('message', (data: Buffer) => {
      const frame = new Uint8Array(data);
      const type = Number(protocol.decodeFrame(frame)[0]);
      if (rig.hand.up?.(type, frame, connection, socket) === false) return;
      if (isAdmitted) return step({ kind: 'message', device: connection, bytes: frame });
      if (type === protocol.resume.type) {
        isAdmitted = true;
        const { token } = protocol.resume.parse(protocol.decodeFrame(frame));
        return step({ kind: 'resume', device: connection, token });
      }
      const check = protocol.checkHello(frame, challenge, tasks, rig.nowMs);
      protocol.admit(runDerive(suite, check.batch));
      isAdmitted = true;
      present();
      step({ kind: 'join', device: connection, certificate: check.hello.certificate });
    });
    socket.on('close', (closeCode) => {
      const code = closeCode === 1000 ? 'left' : 'connection-lost';
      if (isAdmitted) step({ kind: 'left', device: connection, code });
    });
    down(connection, first);
  });
  return rig;
}

function bytes(hex: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(hex ?? '', 'hex'));
}
