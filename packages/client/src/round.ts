/**
 * One attempt at one round: the device machine, hosted on a connection, timers and the durable record.
 * Knows: the order of events. Doesn't know: retries, values, enrolment.
 * Invariant: the machine always ends, and with it every secret of the round; the connection closes.
 * What a coordinator can make it hold meanwhile is bounded.
 */
import {
  InternalError,
  OnlysumError,
  PeerError,
  printable,
  type Rng,
  RoundError,
  type Suite,
  WireError,
} from '@onlysum/crypto';
import {
  decodeFrame,
  type DeviceEffect,
  type DeviceEvent,
  type DeviceOutcome,
  type DeviceParams,
  type DeviceStage,
  DROP_REASONS,
  dropped,
  eraseEvent,
  mostNeighbours,
  type Reservation,
  type ReservationOutcome,
  SUBPROTOCOL,
  startDevice,
  stepDevice,
} from '@onlysum/protocol';
import type { Window } from '@onlysum/task';
import type { Derive } from './derive.js';
import { drawNoiseInSlices } from './draw-noise-in-slices.js';
import { uniform } from './jitter.js';
import { startTimer } from './timers.js';
import type { Closing, Connection, Transport } from './transport.js';

export interface RoundOptions {
  readonly params: DeviceParams;
  readonly transport: Transport;
  readonly suite: Suite;
  readonly derive: Derive;
  readonly rng: Rng;
  readonly now: () => number;
  readonly holdsProcess: boolean;
  /** Most time without an offer of a round. */
  readonly offerTimeoutMs: number;
  /** Aborts with an {@link OnlysumError} as its reason. */
  readonly signal: AbortSignal;
  /** Encodes the input; called at most once, as late as can be. @throws {OnlysumError} */
  takeInput(window: Window): Uint32Array;
  /**
   * Makes the reservation durable.
   *
   * @param isWanted - whether the round still needs it; asked again inside the store's step.
   * @returns `withdrawn` if nothing was reserved, or must not be sent although it was.
   */
  reserve(
    reservation: Reservation,
    isWanted: () => boolean,
  ): Promise<ReservationOutcome | 'withdrawn'>;
  onStage(stage: DeviceStage, detail: string | undefined): void;
}

export interface RoundEnd {
  readonly outcome: DeviceOutcome;
  /** When the coordinator said that coming back can help, in ms from now. */
  readonly retryInMs: number | undefined;
}

/** @returns how it ended. Never rejects. */
export function runRound(options: RoundOptions): Promise<RoundEnd> {
  return new Promise((resolve) => hostRound(options, resolve));
}

function hostRound(options: RoundOptions, resolve: (end: RoundEnd) => void): void {
  const { params, suite, derive, rng, now, holdsProcess, signal } = options;
  const { coordinator, cohort } = params.task.manifest;
  const longest = longestMessage(cohort.max);
  let state = startDevice();
  /** Interrupts come first, then the machine's answers, then what the peer sent, in its order. */
  const urgent: DeviceEvent[] = [];
  const answers: DeviceEvent[] = [];
  const inbox: DeviceEvent[] = [];
  let isAnswerDue = false;
  let isPersisting = false;
  let isStepping = false;
  /** The present connection: not yet open, open, or gone. */
  let link: 'opening' | 'open' | 'gone' = 'opening';
  /** What waits for a connection: no window is spent for a coordinator that may never be back. */
  const deferred: (() => void)[] = [];
  let lostSinceMs: number | undefined;
  let cancelReconnect = (): void => {};
  let isFlooded = false;
  let isEnded = false;
  let lastMessage: Uint8Array | undefined;
  let connection: Connection | undefined;

  const interrupt = (error: OnlysumError): void => {
    urgent.push({ kind: 'input-refused', error });
    pump();
  };
  const onAbort = (): void => interrupt(asOnlysumError(signal.reason));
  let cancelTimer = startTimer(options.offerTimeoutMs, holdsProcess, () =>
    interrupt(
      new RoundError(
        'coordinator-silent',
        `the coordinator at ${coordinator.url} offered no round within ${options.offerTimeoutMs} ms: nothing was sent`,
        { retryable: true },
      ),
    ),
  );

  const pump = (): void => {
    if (isStepping) return;
    isStepping = true;
    for (let event = nextEvent(); event !== undefined; event = nextEvent()) {
      try {
        step(event);
      } catch (error) {
        // A transport or a suite of the host's that throws ends the round like any other failure.
        urgent.push({ kind: 'input-refused', error: asOnlysumError(error) });
      }
    }
    isStepping = false;
  };
  const nextEvent = (): DeviceEvent | undefined => {
    // What has been asked of the store is decided there: it looks at isWanted in its own step.
    if (isEnded || isPersisting) return undefined;
    const event = urgent.shift() ?? answers.shift();
    // Noise answers nothing that the peer's messages wait for.
    if (event !== undefined && event.kind !== 'noise') isAnswerDue = false;
    return event ?? (isAnswerDue ? undefined : inbox.shift());
  };
  const step = (event: DeviceEvent): void => {
    if (event.kind === 'message') lastMessage = event.bytes;
    const [next, effects] = stepDevice(state, event, params, { suite, rng, nowMs: now() });
    state = next;
    for (const effect of effects) run(effect);
  };
  const run = (effect: DeviceEffect): void => {
    switch (effect.kind) {
      case 'send':
        return link === 'gone' ? undefined : connection?.send(effect.bytes);
      case 'derive':
        isAnswerDue = true;
        void derive(effect.batch, holdsProcess)
          .then((results) => {
            const event: DeviceEvent = { kind: 'derived', results };
            // The machine has ended meanwhile: agreements must not outlive it.
            return isEnded ? eraseEvent(event) : void answers.push(event);
          })
          .catch((error: unknown) => {
            answers.push({ kind: 'input-refused', error: asOnlysumError(error) });
          })
          .then(pump);
        return;
      case 'draw-noise':
        return void drawNoise(effect.honest);
      case 'need-input':
        return whenConnected(() => void answers.push(inputEvent(effect.window)));
      case 'persist':
        return whenConnected(() => {
          isPersisting = true;
          void persist(effect.reservation);
        });
      case 'reconnect':
        return reconnect(0);
      case 'timer':
        cancelTimer();
        cancelTimer = startTimer(effect.inMs, holdsProcess, () => {
          urgent.push({ kind: 'deadline' });
          pump();
        });
        return;
      case 'progress':
        if (effect.stage === 'resumed') onResumed();
        return options.onStage(effect.stage, effect.detail);
      case 'finish':
        return end(effect.outcome);
    }
  };
  const whenConnected = (run: () => void): void => {
    if (link === 'gone') deferred.push(run);
    else run();
  };
  const onResumed = (): void => {
    lostSinceMs = undefined;
    for (const run of deferred.splice(0)) run();
  };
  const reconnect = (failures: number): void => {
    lostSinceMs ??= now();
    if (now() - lostSinceMs > RESUME_PATIENCE_MS) {
      inbox.push({ kind: 'unreachable' });
      return;
    }
    const waitMs =
      uniform(rng) * Math.min(FIRST_RECONNECT_MS * 2 ** failures, LONGEST_RECONNECT_MS);
    cancelReconnect = startTimer(waitMs, holdsProcess, () => {
      connection = connect(() => {
        reconnect(failures + 1);
        pump();
      });
    });
  };
  const drawNoise = async (honest: number): Promise<void> => {
    try {
      const { lanes } = params.task.layout;
      const isWanted = (): boolean => !isEnded;
      const noise = await drawNoiseInSlices({ lanes, honest, rng, holdsProcess, isWanted });
      if (noise === undefined) return;
      const event: DeviceEvent = { kind: 'noise', lanes: noise };
      if (isEnded) return eraseEvent(event);
      answers.push(event);
    } catch (error) {
      answers.push({ kind: 'input-refused', error: asOnlysumError(error) });
    }
    pump();
  };
  const inputEvent = (window: Window): DeviceEvent => {
    try {
      return { kind: 'input', lanes: options.takeInput(window) };
    } catch (error) {
      return { kind: 'input-refused', error: asOnlysumError(error) };
    }
  };
  const persist = async (reservation: Reservation): Promise<void> => {
    const isWanted = (): boolean => !isEnded && urgent.length === 0;
    const outcome = await options.reserve(reservation, isWanted);
    isPersisting = false;
    if (outcome === 'withdrawn') inbox.push({ kind: 'input-refused', error: withdrawn() });
    // Before any interrupt: the machine must know that the window is spent.
    else urgent.unshift({ kind: 'persisted', outcome });
    pump();
  };
  const receive = (bytes: Uint8Array): void => {
    if (isEnded || isFlooded) return;
    isFlooded = inbox.length >= MOST_WAITING || bytesOf(inbox) + bytes.length > 4 * longest;
    if (!isFlooded) {
      inbox.push({ kind: 'message', bytes });
      return pump();
    }
    inbox.length = 0;
    interrupt(flooding(coordinator.url));
  };
  const end = (outcome: DeviceOutcome): void => {
    isEnded = true;
    for (const event of answers) eraseEvent(event);
    answers.length = 0;
    inbox.length = 0;
    cancelTimer();
    cancelReconnect();
    signal.removeEventListener('abort', onAbort);
    resolve({ outcome, retryInMs: retryHint(lastMessage) });
    connection?.close();
  };

  /** @param onUnavailable - the connection could not be opened. */
  const connect = (onUnavailable: (error: OnlysumError) => void): Connection => {
    link = 'opening';
    return options.transport.connect(coordinator.url, {
      protocol: SUBPROTOCOL,
      maxMessageBytes: longest,
      holdsProcess,
      onOpen: () => {
        link = 'open';
      },
      onMessage: receive,
      onClose: (closing) => {
        const wasOpen = link === 'open';
        link = 'gone';
        if (isEnded) return;
        if (!wasOpen) return onUnavailable(unavailable(closing, coordinator.url));
        const error = closingError(closing);
        inbox.push(
          error === undefined ? { kind: 'disconnected' } : { kind: 'input-refused', error },
        );
        pump();
      },
    });
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) return onAbort();
  try {
    connection = connect((error) => {
      inbox.push({ kind: 'input-refused', error });
      pump();
    });
  } catch (error) {
    interrupt(asOnlysumError(error));
  }
}

/** Messages that wait while the machine is busy; all of a round are a dozen. */
const MOST_WAITING = 64;

/** A leaf takes 68 bytes a neighbour, the boxes 80, a set a bit a device; the rest is small. */
function longestMessage(maxDevices: number): number {
  return 4096 + 96 * mostNeighbours(maxDevices) + Math.ceil(maxDevices / 8);
}

/** RFC 6455 §7.4.1: protocol error, unacceptable data, inconsistent data, policy, too big. */
const FAULT_CODES = [1002, 1003, 1007, 1008, 1009];

/** Longer than a coordinator waits: after that a new round is the better hope. */
const RESUME_PATIENCE_MS = 15_000;
/** A coordinator waits two seconds; most broken connections can be had again at once. */
const FIRST_RECONNECT_MS = 200;
const LONGEST_RECONNECT_MS = 2_000;

function unavailable(closing: Closing, url: string): RoundError {
  return new RoundError(
    'coordinator-unavailable',
    `could not connect to the coordinator at ${url}${said(closing)}`,
    { retryable: true },
  );
}

function said(closing: Closing): string {
  const reason = printable(closing.reason.slice(0, 200));
  return reason === '' ? '' : `: ${reason}`;
}

/** What the machine's own `connection-lost` cannot know; undefined if there is nothing to add. */
function closingError(closing: Closing): OnlysumError | undefined {
  if (FAULT_CODES.includes(closing.code)) {
    return new WireError(
      'wire-invalid',
      `the connection to the coordinator broke the WebSocket protocol (${closing.code})${said(closing)}`,
    );
  }
  const row = Object.entries(DROP_REASONS).find(([, { closeCode }]) => closeCode === closing.code);
  if (row === undefined) return undefined;
  const [code, { retry }] = row;
  return new RoundError(
    code,
    `the coordinator closed the connection (${closing.code})${said(closing)}`,
    {
      retryable: retry,
    },
  );
}

function retryHint(lastMessage: Uint8Array | undefined): number | undefined {
  if (lastMessage === undefined) return undefined;
  try {
    const raw = decodeFrame(lastMessage);
    if (raw[0] !== dropped.type) return undefined;
    const { retryInMs } = dropped.parse(raw);
    return retryInMs < 0 ? undefined : retryInMs;
  } catch {
    return undefined;
  }
}

function bytesOf(events: readonly DeviceEvent[]): number {
  return events.reduce(
    (sum, event) => sum + (event.kind === 'message' ? event.bytes.length : 0),
    0,
  );
}

function flooding(url: string): PeerError {
  return new PeerError(
    'coordinator-flooding',
    `the coordinator at ${url} sent more messages than a round has while this device was busy: the round ends here`,
  );
}

function withdrawn(): RoundError {
  return new RoundError(
    'consent-changed',
    'a consent group was taken back after the input was made: nothing was sent',
    { retryable: true },
  );
}

function asOnlysumError(error: unknown): OnlysumError {
  if (error instanceof OnlysumError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new InternalError('internal', `the round could not go on: ${message}`, { cause: error });
}
