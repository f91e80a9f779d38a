/** WebSockets by ws: Node 20 has none of its own, and these can be kept from holding a process. */
import { WebSocket } from 'ws';
import {
  CLOSE_ABNORMAL,
  CLOSE_NORMAL,
  type Connection,
  type ConnectOptions,
  type Transport,
} from '../transport.js';

/** TLS and upgrade together; beyond it the coordinator is as good as away. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** RFC 6455 §7.4.1: protocol error, and unacceptable data. */
const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_UNSUPPORTED = 1003;
/** For a peer that does not answer a close; ws would wait for 30 s. */
const CLOSE_TIMEOUT_MS = 1000;

export const nodeTransport: Transport = { connect };

function connect(url: string, options: ConnectOptions): Connection {
  const { holdsProcess } = options;
  const socket = new WebSocket(url, options.protocol, {
    // Masked data does not compress.
    perMessageDeflate: false,
    maxPayload: options.maxMessageBytes,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    followRedirects: false,
    finishRequest: (request) => {
      if (!holdsProcess) request.once('socket', (tcp) => tcp.unref());
      request.end();
    },
  });
  let failure = '';
  /** Why this end closed, whatever the other end answers. */
  let refused: number | undefined;
  const close = (code: number): void => {
    socket.close(code);
    // Only ws's own timer would be left, and it holds the process.
    if (!holdsProcess) return socket.terminate();
    setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
  };
  socket.on('open', () => options.onOpen());
  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (!isBinary || !(data instanceof Buffer)) {
      failure = 'a message was not binary';
      refused = CLOSE_UNSUPPORTED;
      return close(CLOSE_UNSUPPORTED);
    }
    options.onMessage(new Uint8Array(data));
  });
  socket.on('error', (error) => {
    const code = String((error as NodeJS.ErrnoException).code);
    // For a host with several addresses, only the code says anything.
    failure = error.message || code;
    if (code.startsWith('WS_ERR_')) refused ??= CLOSE_PROTOCOL_ERROR;
  });
  socket.on('close', (code, reason) => {
    options.onClose({
      code: refused ?? (code || CLOSE_ABNORMAL),
      reason: failure || reason.toString('utf8'),
    });
  });
  return {
    send: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
    },
    close: () => {
      if (socket.readyState < WebSocket.CLOSING) close(CLOSE_NORMAL);
    },
  };
}
