/**
 * The rounds that run now, kept current. Knows: connecting, coming back, silence. Doesn't know: display.
 * Invariant: at most one connection; none after `stop`.
 */
import { type Signal, signal } from '@preact/signals';
import { request } from '../session.js';
import type { LiveRound } from './contract.js';
import { readEvents } from './event-stream.js';
import { ApiError } from './request.js';

export interface Live {
  readonly state: 'connecting' | 'live' | 'waiting' | 'refused';
  /** Undefined until the first event. */
  readonly rounds: readonly LiveRound[] | undefined;
  /** `performance.now()` when they were told. */
  readonly toldAtMs: number;
  /** When `waiting`: why, and for how long. */
  readonly problem?: string;
  readonly retryInMs?: number;
}

export interface LiveRounds {
  readonly live: Signal<Live>;
  readonly stop: () => void;
}

/** The server pings every 15 s: silence for longer than two pings is a broken connection. */
const MOST_SILENCE_MS = 35_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export function followRounds(): LiveRounds {
  const live = signal<Live>({ state: 'connecting', rounds: undefined, toldAtMs: 0 });
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let connection = new AbortController();
  let isStopped = false;

  const connect = async (): Promise<void> => {
    connection = new AbortController();
    const { signal: aborted } = connection;
    live.value = { ...live.peek(), state: 'connecting' };
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => connection.abort(), MOST_SILENCE_MS);
    };
    let problem = 'The connection ended.';
    try {
      heard();
      const response = await request('/live', { accept: 'text/event-stream', signal: aborted });
      for await (const { event, data } of readEvents(response.body ?? new ReadableStream())) {
        if (isStopped) return;
        heard();
        failures = 0;
        if (event !== 'rounds') continue;
        const rounds = JSON.parse(data) as LiveRound[];
        live.value = { state: 'live', rounds, toldAtMs: performance.now() };
      }
    } catch (error) {
      if (error instanceof ApiError) problem = error.message;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        live.value = { ...live.peek(), state: 'refused', problem };
        return;
      }
    } finally {
      clearTimeout(silence);
    }
    if (isStopped) return;
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
    // Spread, so that many pages do not come back at once.
    const retryInMs = Math.round(longest * (0.5 + Math.random() / 2));
    live.value = { ...live.peek(), state: 'waiting', problem, retryInMs };
    retry = setTimeout(() => void connect(), retryInMs);
  };

  void connect();
  return {
    live,
    stop: () => {
      isStopped = true;
      clearTimeout(retry);
      connection.abort();
    },
  };
}
