/**
 * Rounds as they go, by server-sent events. Knows: snapshots, tokens' ends. Doesn't know: rounds' insides.
 * Invariant: nobody is told anything for more than {@link LOOK_MS} after the token ended, and what a slow
 * reader leaves waiting is bounded.
 */
import type { TokenRecord } from '@onlysum/service';
import { refuse } from './refusal.js';
import { type Call, EVENTS_TYPE, type LiveRound, type Route, route } from './route.js';
import * as schema from './schema.js';

const LOOK_MS = 500;
const PING_MS = 15_000;
const MOST_STREAMS = 64;
const MOST_STREAMS_PER_TOKEN = 4;
/** Events that a reader has not taken; at two a second, a quarter of a minute. */
const MOST_WAITING = 32;

export const liveRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/live',
    name: 'live',
    summary:
      'Server-sent events: `rounds` with all rounds that have not ended, at once and at every change but at most twice a second, and `ping` every 15 s. Ends with the token.',
    permissions: ['round.read'],
    scope: 'own',
    responses: { [EVENTS_TYPE]: schema.liveRounds },
    run: async (call) => {
      const leave = enter(call);
      return new Response(eventStream(call, leave), { headers: { 'content-type': EVENTS_TYPE } });
    },
  }),
];

/** By coordinator, then by token. */
const open = new WeakMap<object, Map<string, number>>();

/** @returns to be called once, when the stream has ended. @throws {Refusal} `streams-exhausted`. */
function enter({ ports, token: { id } }: Call): () => void {
  const streams = open.get(ports) ?? new Map<string, number>();
  open.set(ports, streams);
  const own = streams.get(id) ?? 0;
  const all = [...streams.values()].reduce((sum, count) => sum + count, 0);
  if (own >= MOST_STREAMS_PER_TOKEN || all >= MOST_STREAMS) {
    const message = `at most ${MOST_STREAMS_PER_TOKEN} streams of a token are open at a time, and ${MOST_STREAMS} in all`;
    const headers = { 'Retry-After': '15' };
    throw refuse('streams-exhausted', 429, message, { retryable: true, headers });
  }
  streams.set(id, own + 1);
  return () => {
    const rest = (streams.get(id) ?? 1) - 1;
    if (rest === 0) streams.delete(id);
    else streams.set(id, rest);
  };
}

function eventStream(call: Call, leave: () => void): ReadableStream<Uint8Array> {
  const { signal, ports, token } = call;
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let isOpen = true;
  let told: string | undefined;
  let pingedMs = performance.now();

  const stopped = new AbortController();
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    stopped.abort();
    leave();
  };
  const look = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const send = (event: string, data: unknown): void => {
      controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    };
    const close = (): void => {
      if (isOpen) controller.close();
      end();
    };
    try {
      const holds = await isHeld(call);
      if (!isOpen) return;
      if (!holds || -(controller.desiredSize ?? 0) > MOST_WAITING) return close();
      const rounds = shown(token, ports.rounds());
      // The clock alone is no change.
      const state = JSON.stringify(rounds.map((round) => ({ ...round, closesInMs: null })));
      if (state !== told) send('rounds', rounds);
      told = state;
      if (performance.now() - pingedMs >= PING_MS) {
        pingedMs = performance.now();
        send('ping', {});
      }
      timer = setTimeout(() => void look(controller), LOOK_MS);
    } catch {
      // Without the store nobody knows whether the token holds.
      close();
    }
  };
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const abort = (): void => {
        if (isOpen) controller.close();
        end();
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { signal: stopped.signal });
      void look(controller);
    },
    cancel: end,
  });
}

async function isHeld({ ports, token }: Call): Promise<boolean> {
  const record = await ports.store.token(token.id);
  return record !== undefined && record.revokedMs === undefined && ports.now() < record.expiresMs;
}

function shown({ tasks }: TokenRecord, rounds: readonly LiveRound[]): readonly LiveRound[] {
  return tasks === 'all' ? rounds : rounds.filter(({ task }) => tasks.includes(task));
}
