/**
 * From a new connection to a place in a gathering round. Protocol §5.0, §2.
 * Knows: admission, which rounds there are. Doesn't know: sockets, stages.
 * Invariant: a connection is arriving, in one round, or sent away.
 */
import { OnlysumError, toHex } from '@onlysum/crypto';
import { runDerive } from '@onlysum/crypto';
import {
  type Announcement,
  type Certificate,
  type DropCode,
  type RegistrarResponse,
  admit,
  checkHello,
  isDropCode,
  makeChallenge,
  poolOf,
  decodeFrame,
  resume,
} from '@onlysum/protocol';
import { type Task, type Window, checkValidity, windowAt } from '@onlysum/task';
import type { LiveRound } from './admin/route.js';
import { type Announcements, announcements } from './announcements.js';
import type { Connection } from './connection.js';
import { GatheringRounds } from './gathering-rounds.js';
import { largestFrameBytes } from './limits.js';
import { errorFields } from './log.js';
import type { SumOpener } from './open-sum-pool.js';
import type { Settings } from './options.js';
import type { Bookkeeping } from './bookkeeping.js';
import type { RegistrarLink } from './registrar-link.js';
import { Round, type RoundHost, type RoundStatus } from './round.js';
import type { AbortedEnd, RoundName } from './round-ledger.js';
import type { DoorObserver, RoundObserver } from './round-watch.js';
import type { WindowName } from './store/records.js';

const ROUND_ID_BYTES = 16;
const SHUTTING_DOWN = 'the coordinator is shutting down: try again later';

export class Lobby {
  /** Rounds that opened, and rounds that did not. */
  opened = 0;
  aborted = 0;
  readonly #settings: Settings;
  readonly #books: Bookkeeping;
  readonly #observer: DoorObserver;
  readonly #announcements: Announcements;
  readonly #host: RoundHost;
  readonly #gathering = new GatheringRounds();
  /** Those that have not ended, oldest first. */
  readonly #rounds = new Set<Round>();
  /** Admitted, or about to be, and in no round yet. */
  readonly #arriving = new Set<Connection>();
  readonly #onIdle: (() => void)[] = [];
  #isClosing = false;

  constructor(
    settings: Settings,
    link: RegistrarLink,
    opener: SumOpener,
    books: Bookkeeping,
    observer: RoundObserver & DoorObserver,
    onResult: RoundHost['onResult'],
  ) {
    this.#settings = settings;
    this.#books = books;
    this.#observer = observer;
    const { suite, rng, now, log, limits, durations } = settings;
    this.#announcements = announcements(link, suite, durations.attestMs);
    this.#host = {
      suite,
      rng,
      now,
      log,
      link,
      opener,
      observer,
      helloTimeoutMs: limits.helloTimeoutMs,
      isCurrent: ({ task, announcement }) => this.#announcements.isCurrent(task, announcement),
      onRefused: ({ task, window }) => this.#announcements.forget(task, window),
      keep: (sum, record) => books.ledger.keep(sum, record),
      onResult,
      onClosedCohort: (round) => {
        this.#gathering.remove(round);
        books.ledger.began(nameOf(round), round.size);
      },
      onReopenedCohort: (round) => this.#gathering.addAgain(round),
      onEnd: (round, aborted) => this.#onEnd(round, aborted),
    };
  }

  get gathering(): number {
    return [...this.#rounds].filter(({ stage }) => stage === 'gathering').length;
  }

  get running(): number {
    return this.#rounds.size - this.gathering;
  }

  /** Those that have not ended, oldest first. */
  live(): LiveRound[] {
    return [...this.#rounds].map((round) => round.live());
  }

  /** Of every round, oldest first. */
  get rounds(): RoundStatus[] {
    return [...this.#rounds].map((round) => round.status());
  }

  /** @param tasks - those served at the path the device connected to, by hex id. */
  accept(connection: Connection, tasks: ReadonlyMap<string, Task>): void {
    if (this.#isClosing) return connection.drop('shutting-down', SHUTTING_DOWN);
    const { challenge, ...message } = makeChallenge(this.#context());
    this.#arriving.add(connection);
    connection.listen({
      onMessage: (frame) => this.#hello(connection, frame, challenge, tasks),
      onGone: (code) => this.#leftEarly(connection, code),
    });
    connection.expect('Hello', this.#settings.limits.helloTimeoutMs);
    connection.send(message);
  }

  /** Sends away who is in no round past gathering; resolves when the others are done. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const connection of [...this.#arriving]) connection.drop('shutting-down', SHUTTING_DOWN);
    for (const round of [...this.#rounds]) {
      if (round.stage === 'gathering') round.stop(SHUTTING_DOWN);
    }
    if (this.#rounds.size === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Ends every round of a task now, whatever it is at. */
  stopTask(taskId: string, detail: string): void {
    for (const round of [...this.#rounds]) {
      if (nameOf(round).taskId === taskId) round.stop(detail, 'task-stopped');
    }
  }

  hasRounds({ taskId, window }: WindowName): boolean {
    return [...this.#rounds].some((round) => {
      const name = nameOf(round);
      return name.taskId === taskId && name.window === window;
    });
  }

  /** Ends every round now. */
  stop(): void {
    for (const round of [...this.#rounds]) round.stop(SHUTTING_DOWN);
  }

  #hello(
    connection: Connection,
    frame: Uint8Array,
    challenge: Uint8Array,
    tasks: ReadonlyMap<string, Task>,
  ): void {
    const { suite, now, log } = this.#settings;
    try {
      if (messageType(frame) === resume.type) return this.#resume(connection, frame);
      const { hello, task, batch } = checkHello(frame, challenge, tasks, now());
      admit(runDerive(suite, batch));
      connection.allowFrames(largestFrameBytes(task));
      connection.listen({
        onMessage: () => connection.drop('wrong-stage', 'a message before a round was offered'),
        onGone: (code) => this.#leftEarly(connection, code),
      });
      void this.#enter(connection, task, hello.certificate);
    } catch (error) {
      if (error instanceof OnlysumError && error.code !== 'internal') {
        const code: DropCode = isDropCode(error.code) ? error.code : 'wire-invalid';
        return connection.drop(code, error.message);
      }
      log.error(errorFields(error), 'admission failed');
      connection.drop('overloaded', 'internal error: the coordinator failed; its log says more');
    }
  }

  #leftEarly(connection: Connection, code: DropCode): void {
    this.#arriving.delete(connection);
    this.#observer.onTurnedAway(code);
  }

  /** The token is the round's to check; here only the round is found. */
  #resume(connection: Connection, frame: Uint8Array): void {
    const { round: id, token } = resume.parse(decodeFrame(frame));
    const round = [...this.#rounds].find((each) => each.id === toHex(id));
    this.#arriving.delete(connection);
    if (round === undefined) {
      const detail = 'no such round: it is over, or the coordinator was started again';
      return connection.drop('resume-refused', detail);
    }
    connection.allowFrames(largestFrameBytes(round.params.task));
    round.resume(connection, token);
  }

  async #enter(connection: Connection, task: Task, certificate: Certificate): Promise<void> {
    const { suite, now } = this.#settings;
    const window = windowAt(task.manifest, now());
    const answer = await this.#opened(connection, task, window);
    if (answer === undefined || !connection.isOpen) return;
    if (answer.kind === 'refused') return refuse(connection, answer);
    this.#arriving.delete(connection);
    const { announcement } = answer;
    const { pools, value, incarnation } = announcement;
    const pool = poolOf(suite, value, certificate.pseudonym, pools);
    const key = [toHex(task.taskId), window.index, incarnation, pool].join(' ');
    const device = [toHex(task.taskId), toHex(certificate.pseudonym)].join(' ');
    this.#gathering.dropOlder(device);
    const round =
      this.#gathering.withRoom(key, task.manifest.cohort.max) ??
      this.#begin(task, window, announcement, key);
    this.#gathering.wait(device, { connection, round });
    round.join(connection, certificate);
  }

  /** @returns undefined if the device was sent away. */
  async #opened(connection: Connection, task: Task, window: Window) {
    const taskId = toHex(task.taskId);
    const reason = () => this.#books.killSwitch.reasonFor(taskId);
    try {
      const stopped = reason();
      if (stopped !== undefined) return connection.drop('task-stopped', stopped);
      checkValidity(task.manifest, window);
      const answer = await this.#announcements.of(task, window);
      if (answer.kind === 'window') await this.#books.openWindow(task, window);
      const stoppedSince = reason();
      if (stoppedSince !== undefined) return connection.drop('task-stopped', stoppedSince);
      if (windowAt(task.manifest, this.#settings.now()).index === window.index) return answer;
      return connection.drop('round-aborted', 'the window ended: come to the next one');
    } catch (error) {
      const detail = error instanceof Error ? error.message : '';
      const code = error instanceof OnlysumError ? error.code : '';
      if (code === 'task-not-valid') return connection.drop('task-unknown', detail);
      if (code === 'task-stopped') return connection.drop(code, detail);
      this.#settings.log.error(
        { taskId, window: window.index, ...errorFields(error) },
        'no window',
      );
      return connection.drop('round-aborted', 'the coordinator cannot open the window');
    }
  }

  #begin(task: Task, window: Window, announcement: Announcement, key: string): Round {
    const { rng, durations, limits, exportRounds } = this.#settings;
    const round = new Round(
      {
        task,
        window,
        announcement,
        round: rng(ROUND_ID_BYTES),
        durations,
        closesAt: this.#books.cohortSize(task),
        uploadCredits: limits.uploadCredits,
        unmasking: 'direct',
        keepRecord: exportRounds,
      },
      this.#host,
    );
    this.#rounds.add(round);
    this.#gathering.add(round, key);
    return round;
  }

  #onEnd(round: Round, aborted: AbortedEnd | undefined): void {
    this.#gathering.remove(round);
    this.#rounds.delete(round);
    if (aborted === undefined) this.opened++;
    else {
      this.aborted++;
      void this.#books.ledger.aborted(nameOf(round), aborted);
    }
    if (this.#isClosing && this.#rounds.size === 0) {
      for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  #context() {
    const { suite, rng, now } = this.#settings;
    return { suite, rng, nowMs: now() };
  }
}

/** @throws {WireError} for bytes that are no message. */
function messageType(frame: Uint8Array): unknown {
  return decodeFrame(frame)[0];
}

/** A registrar that cannot be reached, or that will not announce the window. */
function refuse(connection: Connection, refusal: RegistrarResponse & { kind: 'refused' }): void {
  const { code, detail } = refusal;
  const dropCode = code === 'registrar-unavailable' ? code : 'round-aborted';
  connection.drop(dropCode, code === dropCode ? detail : `registrar-refused: ${code}: ${detail}`);
}

function nameOf({ id, params }: Round): RoundName {
  return { taskId: toHex(params.task.taskId), window: params.window.index, round: id };
}
