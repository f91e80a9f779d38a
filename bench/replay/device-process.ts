/**
 * A process that plays a part of the recorded devices over real sockets: `device-process.ts FOLDER FROM
 * TO` by roster index. Hello is signed anew, as the challenge is another one; everything else is sent as
 * it was recorded, when its cue comes, and a device that fell silent leaves where it did.
 */
import { once } from 'node:events';
import { runDerive } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  SUBPROTOCOL,
  advertiseKeys,
  challenge,
  decodeFrame,
  maskedInput,
  offer,
  recover,
  revealShares,
  roster,
  shareKeys,
  sharedSet,
  startDevice,
  stepDevice,
  survivorSet,
  unmasking,
  uploadGrant,
  uploadRequest,
} from '@onlysum/protocol';
import { type RecordedDevice, recordedParams } from '@onlysum/simulator';
import { WebSocket } from 'ws';
import type { FromDevices, ToDevices } from './messages.js';
import { type RecordedService, readDevices, readService } from './recorded-files.js';

/** What each message of the coordinator makes a device send. */
const ANSWER_TO = new Map<unknown, number>([
  [offer.type, advertiseKeys.type],
  [roster.type, shareKeys.type],
  [sharedSet.type, uploadRequest.type],
  [uploadGrant.type, maskedInput.type],
  [survivorSet.type, unmasking.type],
  [recover.type, revealShares.type],
]);
/** Connections that open at a time. */
const OPENING_TOGETHER = 64;
const DONE = 1000;

class Player {
  readonly ended: Promise<unknown>;
  readonly #socket: WebSocket;
  readonly #answers: ReadonlyMap<unknown, Uint8Array>;
  #hasStarted = false;

  private constructor(
    socket: WebSocket,
    private readonly service: RecordedService,
    private readonly device: RecordedDevice,
    private readonly challengeBytes: Uint8Array,
  ) {
    this.#socket = socket;
    this.#answers = new Map(device.up.map((bytes) => [decodeFrame(bytes)[0], bytes]));
    this.ended = once(socket, 'close');
  }

  /** Connected, with its challenge. */
  static async connect(
    url: string,
    service: RecordedService,
    device: RecordedDevice,
  ): Promise<Player> {
    const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    return new Player(socket, service, device, Uint8Array.from(bytes));
  }

  /** Says Hello; resolves when a round is offered. */
  async enter(): Promise<void> {
    const offered = new Promise<void>((resolve) => {
      this.#socket.on('message', (data: Buffer) => {
        const type = decodeFrame(data)[0];
        if (type === offer.type) return resolve();
        if (type !== challenge.type && this.#hasStarted) this.#answer(type);
      });
    });
    this.#socket.send(this.#hello());
    await offered;
  }

  start(): void {
    this.#hasStarted = true;
    this.#answer(offer.type);
  }

  #answer(type: unknown): void {
    const wanted = ANSWER_TO.get(type);
    if (wanted === undefined) return;
    const bytes = this.#answers.get(wanted);
    if (bytes === undefined) this.#socket.close(DONE);
    else this.#socket.send(bytes);
  }

  #hello(): Uint8Array {
    const { service, challengeBytes: bytes } = this;
    const params = recordedParams(service, this.device);
    const context = { suite: nativeSuite, rng: unused, nowMs: service.nowMs };
    const random = { ...context, rng: (length: number) => new Uint8Array(length) };
    const [asked, effects] = stepDevice(startDevice(), { kind: 'message', bytes }, params, random);
    const [derive] = effects;
    if (derive?.kind !== 'derive') throw new Error('no signature was asked for');
    const results = runDerive(nativeSuite, derive.batch);
    const [, sends] = stepDevice(asked, { kind: 'derived', results }, params, context);
    const [send] = sends;
    if (send?.kind !== 'send') throw new Error('no Hello was sent');
    return send.bytes;
  }
}

function unused(): Uint8Array {
  throw new Error('randomness was drawn after the challenge was answered');
}

const [folder = '', from = '', to = ''] = process.argv.slice(2);
const service = readService(folder);
const devices = readDevices(folder).slice(Number(from), Number(to));
let players: Player[] = [];

process.on('message', (message: ToDevices) => {
  const step = message.kind === 'connect' ? connectAll(message.url) : playAll();
  step.catch((error: unknown) => report({ kind: 'failed', detail: String(error) }));
});
process.on('disconnect', () => process.exit());

/** Hello one by one: the roster stands in the order in which devices came. */
async function connectAll(url: string): Promise<void> {
  for (let at = 0; at < devices.length; at += OPENING_TOGETHER) {
    const next = devices.slice(at, at + OPENING_TOGETHER);
    players.push(
      ...(await Promise.all(next.map((device) => Player.connect(url, service, device)))),
    );
  }
  for (const player of players) await player.enter();
  report({ kind: 'connected' });
}

async function playAll(): Promise<void> {
  for (const player of players) player.start();
  await Promise.all(players.map(({ ended }) => ended));
  players = [];
  report({ kind: 'done' });
}

function report(message: FromDevices): void {
  process.send?.(message);
}
