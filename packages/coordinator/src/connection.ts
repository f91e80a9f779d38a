/**
 * One device's WebSocket. Protocol §6.
 * Knows: sizes, counts, liveness, how to say why it closes. Doesn't know: rounds, what a message means.
 * Invariant: the receiver hears of each message at most once and in order, and of the end exactly once;
 * after that nothing.
 */
import type { Writable } from 'node:stream';
import {
  DROP_REASONS,
  type DeviceId,
  type DropCode,
  dropped,
  MOST_DETAIL_CHARACTERS,
  retryInMs,
} from '@onlysum/protocol';
import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import { HELLO_FRAME_BYTES, type Limits } from './limits.js';

/** Who listens to a connection: admission first, then a round. */
export interface Receiver {
  /** @param bytes - one frame; borrowed for the call. */
  onMessage(bytes: Uint8Array): void;
  /** @param code - why the device is gone. */
  onGone(code: DropCode): void;
}

/** RFC 6455 §7.4.1: done; going away. */
const LEAVING = new Set([1000, 1001]);
const NORMAL_CLOSURE = 1000;

export class Connection {
  /** Payload bytes since the connection opened. */
  bytesIn = 0;
  bytesOut = 0;
  readonly id: DeviceId;
  readonly address: string;
  readonly #socket: WebSocket;
  readonly #stream: Writable;
  readonly #limits: Limits;
  readonly #log: Logger;
  /** What a line of the log says beside the device: the round it is in. */
  #about: Readonly<Record<string, unknown>> = {};
  #receiver: Receiver | undefined;
  #frameBytes = HELLO_FRAME_BYTES;
  #messages = 0;
  /** Until the system has taken what was written before. */
  #waiting: { readonly bytes: Uint8Array }[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';
  #awaitsPong = false;
  #expectation: NodeJS.Timeout | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  /** @param stream - what `socket` writes to. */
  constructor(
    id: DeviceId,
    address: string,
    socket: WebSocket,
    stream: Writable,
    limits: Limits,
    log: Logger,
  ) {
    this.id = id;
    this.address = address;
    this.#socket = socket;
    this.#stream = stream;
    this.#limits = limits;
    this.#log = log;
    socket.on('message', (data, isBinary) => this.#onFrame(data, isBinary));
    socket.on('ping', () => this.#count());
    socket.on('pong', () => this.#onPong());
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', (code) => this.#onClosed(code));
    stream.on('drain', () => this.#writeWaiting());
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the next message would be passed on at once. */
  get isIdle(): boolean {
    return this.#state === 'open' && !this.#stream.writableNeedDrain;
  }

  /** Hands all further messages, and the end, to `receiver`. */
  listen(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /** From now on the log says this of the connection. @param about - fields; shared, never changed. */
  describeAs(about: Readonly<Record<string, unknown>>): void {
    this.#about = about;
  }

  /** Allows messages of up to this many bytes from now on. */
  allowFrames(bytes: number): void {
    this.#frameBytes = bytes;
  }

  /** Unless a message comes within `withinMs` the device is sent away. */
  expect(what: string, withinMs: number): void {
    clearTimeout(this.#expectation);
    this.#expectation = setTimeout(() => {
      this.drop('deadline-missed', `no ${what} came within ${withinMs} ms`);
    }, withinMs);
  }

  /** @param message - its bytes are read, and perhaps only then made, when the socket can take them. */
  send(message: { readonly bytes: Uint8Array }): void {
    if (this.#state !== 'open') return;
    this.#waiting.push(message);
    this.#writeWaiting();
    if (this.#waiting.length <= this.#limits.waitingMessages) return;
    this.drop('overloaded', `more than ${this.#limits.waitingMessages} messages wait unread`);
  }

  /** Tells the device why, and closes. @param retryMs - default: as the code's row says. */
  drop(code: DropCode, detail: string, retryMs = retryInMs(code)): void {
    if (this.#state !== 'open') return;
    const { closeCode } = DROP_REASONS[code];
    const text = detail.slice(0, MOST_DETAIL_CHARACTERS);
    this.#log.info({ ...this.#about, device: this.id, code, detail: text }, 'device sent away');
    this.#write(dropped.encode({ code, detail: text, retryInMs: retryMs }));
    this.#close(closeCode, code);
    this.#gone(code);
  }

  /** Closes normally: the device is done here. */
  release(): void {
    if (this.#state !== 'open') return;
    for (const { bytes } of this.#waiting) this.#write(bytes);
    this.#close(NORMAL_CLOSURE, 'done');
    this.#gone('connection-lost');
  }

  /** To be called at every ping interval: ends the connection if the last ping had no answer. */
  beat(): void {
    if (this.#state !== 'open') return;
    if (this.#awaitsPong) {
      this.#log.info({ ...this.#about, device: this.id }, 'device does not answer pings');
      this.#socket.terminate();
      return;
    }
    this.#awaitsPong = true;
    this.#socket.ping();
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.#socket.terminate();
  }

  #onFrame(data: RawData, isBinary: boolean): void {
    const frame = data as Buffer;
    this.bytesIn += frame.length;
    if (!this.#count()) return;
    this.#awaitsPong = false;
    if (!isBinary) {
      this.drop('wire-invalid', 'frame: expected a binary frame, got a text frame');
      return;
    }
    if (frame.length > this.#frameBytes) {
      const detail = `frame: expected at most ${this.#frameBytes} bytes, got ${frame.length}`;
      this.drop('oversized', detail);
      return;
    }
    clearTimeout(this.#expectation);
    this.#receiver?.onMessage(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
  }

  /** @returns whether the message may be read. A closing device that goes on is cut off. */
  #count(): boolean {
    this.#messages++;
    const { messagesPerConnection } = this.#limits;
    if (this.#state !== 'open') {
      if (this.#messages > 2 * messagesPerConnection) this.#socket.terminate();
      return false;
    }
    if (this.#messages <= messagesPerConnection) return true;
    this.drop('oversized', `more than ${messagesPerConnection} messages on one connection`);
    return false;
  }

  /** A pong that nobody asked for counts as a message. */
  #onPong(): void {
    if (!this.#awaitsPong) this.#count();
    this.#awaitsPong = false;
  }

  /** Broken frames, or larger than any message may be: ws closes with 1002, 1007 or 1009 itself. */
  #onError(error: Error): void {
    const isTooLarge = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const isFrame = 'code' in error && String(error.code).startsWith('WS_ERR_');
    this.#log.info({ ...this.#about, device: this.id, detail: error.message }, 'connection failed');
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#startCloseTimer();
    this.#gone(isTooLarge ? 'oversized' : isFrame ? 'wire-invalid' : 'connection-lost');
  }

  /** A device that closes in order means to go; a connection that breaks may come back. */
  #onClosed(code: number): void {
    this.#state = 'closed';
    clearTimeout(this.#closeTimer);
    this.#gone(LEAVING.has(code) ? 'left' : 'connection-lost');
  }

  #gone(code: DropCode): void {
    clearTimeout(this.#expectation);
    this.#waiting = [];
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.onGone(code);
  }

  #writeWaiting(): void {
    while (!this.#stream.writableNeedDrain) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#write(next.bytes);
    }
  }

  #write(bytes: Uint8Array): void {
    this.bytesOut += bytes.length;
    this.#socket.send(bytes, { binary: true });
  }

  #close(code: number, reason: string): void {
    this.#state = 'closing';
    this.#socket.close(code, reason);
    this.#startCloseTimer();
  }

  #startCloseTimer(): void {
    this.#closeTimer = setTimeout(() => this.#socket.terminate(), this.#limits.closeTimeoutMs);
  }
}
