/** The platform's own WebSocket: browsers, and Node from version 22. */
import { UsageError } from '@onlysum/crypto';
import { CLOSE_NORMAL, type Connection, type ConnectOptions, type Transport } from './transport.js';

/** RFC 6455 §7.4.1: unacceptable data, and too big. */
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_TOO_BIG = 1009;
/** A page may send no code of the protocol itself; this is of the private range. */
const CLOSE_REFUSED = 4100;

/**
 * @throws {UsageError} `transport-missing` if the platform has no WebSocket (Node 20).
 */
export function webSocketTransport(): Transport {
  if (typeof globalThis.WebSocket !== 'function') {
    throw new UsageError(
      'transport-missing',
      'transport: this platform has no WebSocket; on Node import createClient from @onlysum/client/node',
      { field: 'transport' },
    );
  }
  return { connect };
}

function connect(url: string, options: ConnectOptions): Connection {
  const socket = new WebSocket(url, options.protocol);
  socket.binaryType = 'arraybuffer';
  let isClosed = false;
  const closed = (code: number, reason: string): void => {
    if (isClosed) return;
    isClosed = true;
    options.onClose({ code, reason });
  };
  const refuse = (code: number, reason: string): void => {
    socket.close(CLOSE_REFUSED, reason);
    closed(code, reason);
  };
  socket.onopen = () => {
    if (!isClosed) options.onOpen();
  };
  socket.onclose = (event) => closed(event.code, event.reason);
  socket.onmessage = (event) => {
    if (isClosed) return;
    const data: unknown = event.data;
    if (!(data instanceof ArrayBuffer))
      return refuse(CLOSE_UNSUPPORTED, 'a message was not binary');
    if (data.byteLength > options.maxMessageBytes) {
      return refuse(CLOSE_TOO_BIG, `a message was above ${options.maxMessageBytes} bytes`);
    }
    options.onMessage(new Uint8Array(data));
  };
  return {
    send: (bytes) => {
      if (!isClosed && socket.readyState === WebSocket.OPEN) socket.send(bytes as BufferSource);
    },
    close: () => {
      if (!isClosed) socket.close(CLOSE_NORMAL);
    },
  };
}
