import { type Socket, connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hello } from '@onlysum/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { closedAfterEach } from './fleets.js';
import {
  type Fleet,
  connect,
  enrolDevice,
  enrolDevices,
  runDevice,
  runDevices,
  until,
} from './wire-fleet.js';

const start = closedAfterEach();
let sockets: (Socket | WebSocket)[] = [];

afterEach(async () => {
  for (const socket of sockets) {
    if (socket instanceof WebSocket) socket.terminate();
    else socket.destroy();
  }
  sockets = [];
});

/** A connection that says nothing. */
async function silent(fleet: Fleet): Promise<WebSocket> {
  const socket = connect(fleet);
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  return socket;
}

function closeOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve));
}

const httpUrl = ({ coordinator }: Fleet) => `http://127.0.0.1:${coordinator.port}`;

describe('limits of connections', () => {
  it('serves no more than connections, says so, and serves again when one leaves', async () => {
    const fleet = await start({ coordinator: { limits: { connections: 2 } } });
    const [first] = [await silent(fleet), await silent(fleet)];
    const identity = await enrolDevice(fleet);
    const refused = await runDevice(fleet, identity);
    expect(refused).toMatchObject({ droppedCode: 'overloaded', closeCode: 4017, retryInMs: 1000 });
    expect(refused.droppedDetail).toMatch(/^2 devices are connected/);
    first.close();
    await until(() => fleet.coordinator.health().connections === 1);
    void runDevice(fleet, identity);
    await until(() => fleet.coordinator.health().gathering === 1);
  });

  it('serves no more than connectionsPerAddress of one address', async () => {
    const fleet = await start({ coordinator: { limits: { connectionsPerAddress: 1 } } });
    await silent(fleet);
    const refused = await runDevice(fleet, await enrolDevice(fleet));
    expect(refused).toMatchObject({ droppedCode: 'overloaded', closeCode: 4017 });
    expect(refused.droppedDetail).toMatch(/^1 devices of this address/);
  });

  describe('behind a proxy', () => {
    const limits = { connectionsPerAddress: 1 };
    // All of 127.0.0.0/8 is this machine: so a connection may come from another address than the proxy's.
    const [proxy, stranger] = ['127.0.0.1', '127.0.0.2'];

    /** @returns whether the connection may stay. */
    async function mayCome(fleet: Fleet, from: string, ...headers: readonly string[]) {
      const raw = connectTcp({
        port: fleet.coordinator.port,
        host: '127.0.0.1',
        localAddress: from,
      });
      sockets.push(raw);
      let said = '';
      raw.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
      raw.on('error', () => undefined);
      const refused = () =>
        fleet.log.lines.filter((line) => line.includes('of this address')).length;
      const lines = headers.map((value) => `X-Forwarded-For: ${value}\r\n`).join('');
      const before = refused();
      raw.write(
        `GET /v1/devices HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${lines}` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
          'Sec-WebSocket-Protocol: onlysum.v1\r\n\r\n',
      );
      // Who is refused is so in the same turn as the upgrade.
      await until(() => said.includes('101 Switching'));
      return refused() === before;
    }

    it('counts by what a trusted proxy says, and not by what the client told it', async () => {
      const fleet = await start({ coordinator: { limits, trustProxy: [proxy] } });
      expect(await mayCome(fleet, proxy, '198.51.100.1')).toBe(true);
      expect(await mayCome(fleet, proxy, '198.51.100.2')).toBe(true);
      expect(await mayCome(fleet, proxy, '198.51.100.1')).toBe(false);
      expect(await mayCome(fleet, proxy, '203.0.113.7, 198.51.100.1')).toBe(false);
      expect(await mayCome(fleet, proxy, '203.0.113.7', '198.51.100.1')).toBe(false);
      // One customer has as many IPv6 addresses as it likes.
      expect(await mayCome(fleet, proxy, '2001:db8::1')).toBe(true);
      expect(await mayCome(fleet, proxy, '2001:db8::2')).toBe(false);
    });

    it('ignores the header of anybody else', async () => {
      const fleet = await start({ coordinator: { limits, trustProxy: [proxy] } });
      expect(await mayCome(fleet, stranger, '198.51.100.1')).toBe(true);
      expect(await mayCome(fleet, stranger, '198.51.100.2')).toBe(false);
      expect(await mayCome(fleet, stranger)).toBe(false);
      const trusting = await start({ coordinator: { limits } });
      expect(await mayCome(trusting, proxy, '198.51.100.1')).toBe(true);
      expect(await mayCome(trusting, proxy, '198.51.100.2')).toBe(false);
    });

    it.each(['', 'unknown', '198.51.100.1:4711', '[2001:db8::1]', ',,,', 'x'.repeat(4_000)])(
      'counts a proxy that says %j as itself',
      async (value) => {
        const fleet = await start({ coordinator: { limits, trustProxy: ['127.0.0.0/24'] } });
        expect(await mayCome(fleet, proxy, value)).toBe(true);
        expect(await mayCome(fleet, proxy, value)).toBe(false);
        expect(await mayCome(fleet, '127.0.0.9', value)).toBe(true);
      },
    );

    it('gives a seat back when its device leaves', async () => {
      const fleet = await start({ coordinator: { limits, trustProxy: [proxy] } });
      expect(await mayCome(fleet, proxy, '198.51.100.1')).toBe(true);
      const [first] = sockets as [Socket];
      first.destroy();
      await until(() => fleet.coordinator.health().connections === 0);
      expect(await mayCome(fleet, proxy, '198.51.100.1')).toBe(true);
    });

    it('refuses a proxy that is no address', async () => {
      const starting = start({ coordinator: { trustProxy: ['127.0.0.1', 'proxy.example.org'] } });
      await expect(starting).rejects.toMatchObject({
        code: 'argument-invalid',
        field: 'trustProxy[1]',
      });
    });
  });

  it('ends a connection without Hello, and one without keys after the offer', async () => {
    const fleet = await start({ coordinator: { limits: { helloTimeoutMs: 1_000 } } });
    expect(await closeOf(await silent(fleet))).toBe(4010);
    const report = await runDevice(fleet, await enrolDevice(fleet), {
      tamper: (type, bytes) => (type === hello.type ? [bytes] : []),
    });
    expect(report).toMatchObject({ droppedCode: 'deadline-missed', closeCode: 4010 });
    expect(report.droppedDetail).toBe('no AdvertiseKeys came within 1000 ms');
  });

  it('finds out that a peer is gone, and keeps one that answers pings', async () => {
    const fleet = await start({ coordinator: { limits: { pingIntervalMs: 500 } } });
    const dead = connect(fleet);
    sockets.push(dead);
    dead.on('error', () => undefined);
    await new Promise((resolve) => dead.once('open', resolve));
    const alive = await silent(fleet);
    // Reads nothing from now on, so no pong goes out either.
    dead.pause();
    await until(() => fleet.coordinator.health().connections === 1);
    await sleep(1_100);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    expect(fleet.coordinator.health().connections).toBe(1);
  });

  it.each([
    { name: 'messages', send: (socket: WebSocket, frame: Uint8Array) => socket.send(frame) },
    { name: 'pings', send: (socket: WebSocket) => socket.ping() },
    { name: 'pongs that nobody asked for', send: (socket: WebSocket) => socket.pong() },
  ])('cuts off a flood of $name while the round goes on', async ({ send }) => {
    const fleet = await start({
      cohort: { min: 3, target: 6, max: 6 },
      coordinator: { limits: { messagesPerConnection: 20 } },
    });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i !== 2
        ? {}
        : {
            tamper: (type, bytes, { socket }) => {
              // A repeat is harmless, so only their number is at fault.
              if (type === 34) for (let n = 0; n < 200; n++) send(socket, bytes);
              return type > 34 ? [] : [bytes];
            },
          },
    );
    expect([4001, 1006]).toContain(reports[2]?.closeCode);
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]).toMatchObject({ survivors: 5 });
    expect(fleet.results[0]!.dropped[0]?.code).toBe('oversized');
    expect(reports.filter(({ receipt }) => receipt?.opened)).toHaveLength(5);
  });
});

describe('the port', () => {
  it('answers /healthz with JSON and secure headers', async () => {
    const fleet = await start();
    const response = await fetch(`${httpUrl(fleet)}/healthz`);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.json()).toMatchObject({
      status: 'ok',
      connections: 0,
      opened: 0,
      tasks: [{ name: 'acme-desktop', version: 1 }],
    });
  });

  it('says what it is for at other paths', async () => {
    const fleet = await start();
    const devices = await fetch(`${httpUrl(fleet)}/v1/devices`);
    expect(devices.status).toBe(426);
    expect(devices.headers.get('upgrade')).toBe('websocket');
    const error = { code: 'upgrade-required', retryable: false };
    expect(await devices.json()).toMatchObject({ error });
    expect((await fetch(`${httpUrl(fleet)}/admin`)).status).toBe(404);
  });

  it.each([
    { name: 'another path', path: '/', protocols: ['onlysum.v1'], status: 404 },
    { name: 'no subprotocol', path: '/v1/devices', protocols: [], status: 400 },
    { name: 'another subprotocol', path: '/v1/devices', protocols: ['chat'], status: 400 },
  ])('refuses an upgrade with $name', async ({ path, protocols, status }) => {
    const fleet = await start();
    const socket = new WebSocket(`ws://127.0.0.1:${fleet.coordinator.port}${path}`, protocols);
    const message = await new Promise<string>((resolve) =>
      socket.once('error', ({ message: said }) => resolve(said)),
    );
    expect(message).toBe(`Unexpected server response: ${status}`);
  });

  it('survives bytes that are neither HTTP nor WebSocket', async () => {
    const fleet = await start();
    const junk = tcp(fleet);
    junk.write(new Uint8Array(5_000).fill(0x16));
    await new Promise((resolve) => junk.once('close', resolve));
    const upgraded = tcp(fleet);
    upgraded.write(
      `GET /v1/devices HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        'Sec-WebSocket-Protocol: onlysum.v1\r\n\r\n',
    );
    await until(() => fleet.coordinator.health().connections === 1);
    // A frame with its reserved bits set.
    upgraded.write(Uint8Array.of(0xff, 0xff, 0, 0));
    await until(() => fleet.coordinator.health().connections === 0);
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
  });

  it('ends connections that never finish the head of a request', async () => {
    const fleet = await start({ coordinator: { limits: { helloTimeoutMs: 200 } } });
    const mute = tcp(fleet);
    const slow = tcp(fleet);
    slow.write('GET /healthz HTTP/1.1\r\n');
    await Promise.all(
      [mute, slow].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    );
  });
});

function tcp(fleet: Fleet): Socket {
  const socket = connectTcp(fleet.coordinator.port, '127.0.0.1');
  sockets.push(socket);
  // Without a reader the end would not be noticed.
  return socket.on('error', () => undefined).resume();
}
