/**
 * What any server would pay for this round's traffic: `bare-process.ts FOLDER`. The same bytes in and
 * out over ws, in the same stages, with the signatures of AdvertiseKeys and of the registrar checked;
 * nothing is decoded, added, stored or opened.
 */
import type { AddressInfo } from 'node:net';
import { runDerive } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  SUBPROTOCOL,
  advertiseKeys,
  announcementCheck,
  closed,
  decodeFrame,
  maskedInput,
  parseResponse,
  recover,
  revealShares,
  roster,
  shareKeys,
  sharedSet,
  survivorSet,
  unmasking,
  uploadGrant,
  uploadRequest,
} from '@onlysum/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { advertiseStatement } from '../../packages/protocol/src/device/advertise.js';
import { readDevices, readService } from './recorded-files.js';
import { measureFromGo, report } from './server-meter.js';

const [folder = ''] = process.argv.slice(2);
const { plan, answers, round } = readService(folder);
const { task } = plan.task;
const finished = measureFromGo();
const announced = parseResponse(answers[0] ?? new Uint8Array(0));
if (announced.kind !== 'window') throw new Error('the first answer is no announcement');
const { announcement } = announced;
const answerCheck = announcementCheck(task.registrarKey, task.taskId, announcement);

/** By roster index: what it is sent, by type, and what is checked of it. */
const seats = readDevices(folder).map(({ up, down, certificate: { pseudonym } }) => {
  const sent = up.find((bytes) => typeOf(bytes) === advertiseKeys.type);
  if (sent === undefined) throw new Error('a device of the roster did not advertise');
  const { c, s, signature } = advertiseKeys.parse(decodeFrame(sent));
  const statement = advertiseStatement(task.taskId, announcement, round, { c, s });
  return {
    isIn: () => nativeSuite.ed25519Verify(pseudonym, statement, signature),
    down: new Map(down.map((bytes) => [typeOf(bytes), bytes])),
    sends: new Set(up.map(typeOf)),
  };
});
/** By roster index; filled as devices come. */
let sockets: (WebSocket | undefined)[] = [];

/** When all that come of the left have come, those on the right go out. */
const NEXT = new Map([
  [advertiseKeys.type, roster.type],
  [shareKeys.type, sharedSet.type],
  [maskedInput.type, survivorSet.type],
  [unmasking.type, recover.type],
  [revealShares.type, closed.type],
]);
/** By type: how many are still to come. */
let missing = allMissing();

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  backlog: 4096,
  perMessageDeflate: false,
  handleProtocols: () => SUBPROTOCOL,
});
server.on('connection', (socket) => {
  let seat = -1;
  // Any bytes do: Hello is not checked.
  socket.send(seats[0]?.down.get(1) ?? new Uint8Array(0));
  socket.on('message', (data: Buffer) => {
    if (seat >= 0) return receive(seat, data);
    seat = sockets.push(socket) - 1;
    send(seat, 8);
    send(seat, 2);
  });
  socket.on('close', () => {
    sockets[seat] = undefined;
    if (server.clients.size > 0) return;
    sockets = [];
    missing = allMissing();
    finished();
  });
});
server.on('listening', () => {
  const { port } = server.address() as AddressInfo;
  report({ kind: 'listening', url: `ws://127.0.0.1:${port}/` });
});

function allMissing(): Map<number, number> {
  const count = (type: number): number => seats.filter(({ sends }) => sends.has(type)).length;
  return new Map([...NEXT.keys()].map((type) => [type, count(type)]));
}

function receive(seat: number, data: Buffer): void {
  // As the coordinator: MessagePack's array header, then the type.
  const type = data[1] ?? 0;
  if (type === uploadRequest.type) return send(seat, uploadGrant.type);
  if (type === advertiseKeys.type && !seats[seat]?.isIn()) {
    report({ kind: 'failed', detail: `seat ${seat} has signed nothing` });
  }
  const left = (missing.get(type) ?? 0) - 1;
  missing.set(type, left);
  if (left === 0) next(type);
}

function next(type: number): void {
  const out = NEXT.get(type);
  if (out === undefined) return;
  if (out === recover.type && (missing.get(revealShares.type) ?? 0) === 0) return end();
  if (out === closed.type) return end();
  // An answer of the registrar stands between the two.
  if (out !== recover.type) runDerive(nativeSuite, [answerCheck]);
  sockets.forEach((_, seat) => send(seat, out));
}

function end(): void {
  sockets.forEach((socket, seat) => {
    send(seat, closed.type);
    socket?.close(1000, 'done');
  });
}

function send(seat: number, type: number): void {
  const bytes = seats[seat]?.down.get(type);
  if (bytes !== undefined) sockets[seat]?.send(bytes, { binary: true });
}

function typeOf(bytes: Uint8Array): number {
  return Number(decodeFrame(bytes)[0]);
}
