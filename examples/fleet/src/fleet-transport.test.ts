import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { ConnectOptions, Transport } from '@onlysum/client';
import { maskedInput, resumed, roster, shareKeys, unmasking } from '@onlysum/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DropPoint } from './drops.js';
import { fleetTransport } from './fleet-transport.js';
import type { PlannedInterruption } from './interruptions.js';

const round = new Uint8Array(16);
const messages = {
  shares: shareKeys.encode({ round, boxes: new Uint8Array(0), tags: new Uint8Array(0) }),
  masked: maskedInput.encode({
    round,
    vector: new Uint8Array([1, 0xab]),
    commitment: new Uint8Array(32),
  }),
  reveal: unmasking.encode({ round, b: new Uint8Array(32), pairSecrets: new Uint8Array(0) }),
};
const rosterBytes = roster.encode({
  round,
  n: 4,
  k: 3,
  t: 2,
  seed: new Uint8Array(32),
  root: new Uint8Array(32),
  signature: new Uint8Array(64),
  index: 3,
  neighbours: new Uint8Array(0),
  path: [],
});
const resumedBytes = resumed.encode({
  round,
  stage: 'masking',
  remainingMs: 1,
  accepted: new Uint8Array(32),
  token: new Uint8Array(32),
});
const ignored: ConnectOptions = {
  protocol: 'p',
  maxMessageBytes: 1,
  holdsProcess: true,
  onOpen: () => {},
  onMessage: () => {},
  onClose: () => {},
};

let server: Server;
let received: Buffer;
let isEnded: Promise<unknown>;

beforeEach(async () => {
  received = Buffer.alloc(0);
  server = createServer();
  isEnded = once(server, 'connection').then(([accepted]) => {
    const socket = accepted as Socket;
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
    });
    return once(socket, 'end');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
});

/** A transport without frames: what is sent is what arrives. */
let toDevice: ConnectOptions['onMessage'];
let socket: Socket;
const bare: Transport = {
  connect: (_url, options) => {
    toDevice = (bytes) => options.onMessage(bytes);
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    return { send: (bytes) => void socket.write(bytes), close: () => void socket.end() };
  },
};

async function run(point: DropPoint | undefined, how: 'socket' | 'kill' = 'socket') {
  const seen: string[] = [];
  const drop = point === undefined ? undefined : { device: 0, point, how };
  const { transport, counts } = fleetTransport(
    bare,
    { drop, interruption: undefined },
    {
      onOffered: () => seen.push('offered'),
      onSeated: (place) => seen.push(`seated ${place}`),
      onMasked: (vector) => seen.push(`masked ${vector}`),
      onKillPoint: () => seen.push('kill'),
      onCut: () => seen.push('cut'),
    },
  );
  const connection = transport.connect('', ignored);
  await once(socket, 'connect');
  toDevice(rosterBytes);
  for (const bytes of Object.values(messages)) connection.send(bytes);
  return { seen, counts, connection };
}

const lengths = Object.values(messages).map(({ length }) => length);
const [shares = 0, masked = 0, reveal = 0] = lengths;

test('a device that does not drop is only watched', async () => {
  const { seen, counts, connection } = await run(undefined);
  connection.close();
  await isEnded;
  expect(received).toEqual(Buffer.concat(Object.values(messages)));
  expect(seen).toEqual(['seated 3', 'masked 01ab']);
  expect(counts).toEqual({
    bytesUp: shares + masked + reveal,
    bytesDown: rosterBytes.length,
    resumes: 0,
  });
});

test.each<[DropPoint, number, string[]]>([
  ['before-share-keys', 0, ['cut']],
  ['before-masked-input', shares, ['cut']],
  ['after-masked-input', shares + masked, ['masked 01ab', 'cut']],
  ['before-unmasking', shares + masked, ['masked 01ab', 'cut']],
])('%s: %i bytes arrive, then the socket is gone', async (point, bytes, said) => {
  const { seen, counts } = await run(point);
  await isEnded;
  expect(received.length).toBe(bytes);
  expect(socket.destroyed).toBe(true);
  expect(seen).toEqual(['seated 3', ...said]);
  expect(counts.bytesUp).toBe(bytes);
});

test('a device to be killed stands still, its socket open, until it is', async () => {
  const { seen, connection } = await run('before-masked-input', 'kill');
  connection.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received.length).toBe(shares);
  expect(socket.destroyed).toBe(false);
  expect(seen).toEqual(['seated 3', 'kill']);
  socket.destroy();
});

test.each<[PlannedInterruption['when'], number]>([
  ['before', shares],
  ['after', shares + masked],
])(
  'an interruption %s MaskedInput: %i bytes arrive, and the next connection works',
  async (when, bytes) => {
    const interruption = { device: 0, message: 'MaskedInput', when } as const;
    const observer = { onOffered() {}, onSeated() {}, onMasked() {}, onKillPoint() {}, onCut() {} };
    const { transport, counts } = fleetTransport(bare, { drop: undefined, interruption }, observer);
    const first = transport.connect('', ignored);
    await once(socket, 'connect');
    first.send(messages.shares);
    first.send(messages.masked);
    first.send(messages.reveal);
    await isEnded;
    expect(received.length).toBe(bytes);
    expect(counts.bytesUp).toBe(bytes);
    const again = transport.connect('', ignored);
    await once(socket, 'connect');
    toDevice(resumedBytes);
    for (const message of Object.values(messages)) again.send(message);
    expect(counts.resumes).toBe(1);
    expect(counts.bytesUp).toBe(bytes + shares + masked + reveal);
    again.close();
  },
);

test('a transport that makes no socket cannot be cut, and says so', () => {
  const none: Transport = { connect: () => ({ send: () => {}, close: () => {} }) };
  const observer = { onOffered() {}, onSeated() {}, onMasked() {}, onKillPoint() {}, onCut() {} };
  const { transport } = fleetTransport(
    none,
    { drop: undefined, interruption: undefined },
    observer,
  );
  expect(() => transport.connect('', ignored)).toThrow('made no socket');
});
