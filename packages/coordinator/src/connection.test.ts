import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DropCode } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Connection } from './connection.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';

let server: WebSocketServer;
let client: WebSocket;

afterEach(async () => {
  client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

async function pair(limits: Partial<Limits> = {}): Promise<Connection> {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  client = new WebSocket(`ws://127.0.0.1:${port}`);
  const [socket, request] = await accepted;
  await once(client, 'open');
  const log = pino({ level: 'silent' });
  const all = { ...DEFAULT_LIMITS, ...limits };
  return new Connection(1, '127.0.0.1', socket, request.socket, all, log);
}

function endings(connection: Connection): DropCode[] {
  const codes: DropCode[] = [];
  connection.listen({ onMessage: () => undefined, onGone: (code) => codes.push(code) });
  return codes;
}

describe('a connection', () => {
  it('is ended when its peer leaves more than waitingMessages unread', async () => {
    const connection = await pair({ waitingMessages: 3, closeTimeoutMs: 50 });
    const codes = endings(connection);
    client.pause();
    const frame = new Uint8Array(64 * 1024);
    let sent = 0;
    for (; connection.isOpen && sent < 1_000; sent++) {
      connection.send({ bytes: frame });
      await new Promise(setImmediate);
    }
    expect(codes).toEqual(['overloaded']);
    const before = connection.bytesOut;
    connection.send({ bytes: frame });
    expect(connection.bytesOut).toBe(before);
  });

  it('tells its end once, whatever ends it', async () => {
    const connection = await pair({ closeTimeoutMs: 50 });
    const codes = endings(connection);
    const closed = once(client, 'close') as Promise<[number]>;
    connection.drop('overloaded', 'first');
    connection.drop('wire-invalid', 'second');
    connection.release();
    connection.terminate();
    expect(codes).toEqual(['overloaded']);
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(codes).toEqual(['overloaded']);
  });

  it('is cut off when its peer does not close its side', async () => {
    const connection = await pair({ closeTimeoutMs: 50 });
    client.pause();
    const [socket] = [...server.clients];
    const cutOff = once(socket!, 'close');
    connection.release();
    await cutOff;
    expect(socket!.readyState).toBe(WebSocket.CLOSED);
  });

  it('shortens what it tells a device to what the message may hold', async () => {
    const connection = await pair();
    const message = once(client, 'message') as Promise<[Buffer]>;
    connection.drop('wire-invalid', 'x'.repeat(10_000));
    const [bytes] = await message;
    expect(bytes.length).toBeLessThan(600);
  });
});
