/**
 * A device's line to the coordinator: Node's WebSocket, watched, and broken where the demo wants it.
 * Knows: message types, sockets. Doesn't know: what a device computes.
 * Invariant: what passes is not changed; after a drop nothing passes, on this connection or another;
 * after an interruption the next connection is as good as any.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Connection, ConnectOptions, Transport } from '@onlysum/client';
import { InternalError, toHex } from '@onlysum/crypto';
import {
  advertiseKeys,
  decodeFrame,
  maskedInput,
  offer,
  resumed,
  roster,
  shareKeys,
  unmasking,
} from '@onlysum/protocol';
import type { DropPoint, PlannedDrop } from './drops.js';
import type { InterruptedMessage, PlannedInterruption } from './interruptions.js';
import type { DevicePlan } from './worker-messages.js';

export interface LineObserver {
  /** The coordinator knows the device and offers it a round. */
  onOffered(): void;
  /** @param place - in the attested roster. */
  onSeated(place: number): void;
  /** The masked input leaves, once or again. @param vector - packed, hex. */
  onMasked(vector: string): void;
  /** The device stands where its process is to be killed. It sends nothing from now on. */
  onKillPoint(): void;
  /** The socket is being destroyed for good, as planned. */
  onCut(): void;
}

/** What became of all connections of the device. */
export interface LineCounts {
  /** WebSocket payload. */
  bytesUp: number;
  bytesDown: number;
  /** Places taken again after an interruption. */
  resumes: number;
}

/** The message before which a device drops. */
const CUT_BEFORE: Readonly<Record<number, DropPoint>> = {
  [shareKeys.type]: 'before-share-keys',
  [maskedInput.type]: 'before-masked-input',
  [unmasking.type]: 'before-unmasking',
};

const TYPES: Readonly<Record<InterruptedMessage, number>> = {
  AdvertiseKeys: advertiseKeys.type,
  ShareKeys: shareKeys.type,
  MaskedInput: maskedInput.type,
  Unmasking: unmasking.type,
};

export function fleetTransport(
  inner: Transport,
  plan: Pick<DevicePlan, 'drop' | 'interruption'>,
  observer: LineObserver,
): { readonly transport: Transport; readonly counts: LineCounts } {
  const counts: LineCounts = { bytesUp: 0, bytesDown: 0, resumes: 0 };
  const line: Line = { ...plan, observer, counts, isCut: false };
  return {
    counts,
    transport: {
      connect: (url, options) => {
        if (line.isCut) return deadLine(options);
        const [connection, socket] = withSocket(() =>
          inner.connect(url, {
            ...options,
            onMessage: (bytes) => {
              counts.bytesDown += bytes.length;
              const raw = decodeFrame(bytes);
              if (raw[0] === offer.type) observer.onOffered();
              if (raw[0] === roster.type) observer.onSeated(roster.parse(raw).index);
              if (raw[0] === resumed.type) counts.resumes++;
              options.onMessage(bytes);
            },
          }),
        );
        return breakable(connection, socket, line);
      },
    },
  };
}

interface Line {
  readonly drop: PlannedDrop | undefined;
  /** Until it has happened. */
  interruption: PlannedInterruption | undefined;
  readonly observer: LineObserver;
  readonly counts: LineCounts;
  isCut: boolean;
}

/** The client would resume; a device that is to drop finds no network any more. */
function deadLine(options: ConnectOptions): Connection {
  setImmediate(() => options.onClose({ code: 1006, reason: 'the device has dropped' }));
  return { send: () => {}, close: () => {} };
}

function breakable(connection: Connection, socket: Socket, line: Line): Connection {
  const { drop, observer, counts } = line;
  let isBroken = false;
  // What was sent before still goes out; nobody says goodbye.
  const hangUp = (): void => {
    isBroken = true;
    socket.destroySoon();
  };
  const cut = (): void => {
    line.isCut = true;
    if (drop?.how === 'kill') return observer.onKillPoint();
    observer.onCut();
    hangUp();
  };
  const interruptsNow = (type: number, when: PlannedInterruption['when']): boolean => {
    const { interruption } = line;
    if (interruption?.when !== when || TYPES[interruption.message] !== type) return false;
    line.interruption = undefined;
    hangUp();
    return true;
  };
  return {
    send: (bytes) => {
      if (line.isCut || isBroken) return;
      const raw = decodeFrame(bytes);
      const type = Number(raw[0]);
      if (drop !== undefined && CUT_BEFORE[type] === drop.point) return cut();
      if (interruptsNow(type, 'before')) return;
      counts.bytesUp += bytes.length;
      connection.send(bytes);
      if (type === maskedInput.type) observer.onMasked(toHex(maskedInput.parse(raw).vector));
      if (interruptsNow(type, 'after')) return;
      if (type === maskedInput.type && drop?.point === 'after-masked-input') cut();
    },
    close: () => {
      if (!line.isCut) connection.close();
    },
  };
}

/** A transport keeps its socket to itself, but Node announces each one that is made. */
function withSocket(connect: () => Connection): [Connection, Socket] {
  let socket: Socket | undefined;
  const take = (message: unknown): void => {
    socket = (message as { readonly socket: Socket }).socket;
  };
  subscribe('net.client.socket', take);
  try {
    const connection = connect();
    if (socket === undefined) throw new InternalError('internal', 'the transport made no socket');
    return [connection, socket];
  } finally {
    unsubscribe('net.client.socket', take);
  }
}
