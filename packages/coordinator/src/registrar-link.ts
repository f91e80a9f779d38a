/**
 * Asking the registrar: sign, send, verify, and try again while there is time. Protocol §5.2–§5.5.
 * Knows: signatures and time. Doesn't know: which transport, what a refusal means for the round.
 * Invariant: nothing is handed on as attested unless the manifest's registrar signed it.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  InternalError,
  OnlysumError,
  RoundError,
  type Suite,
  printable,
  runDerive,
} from '@onlysum/crypto';
import {
  type RegistrarResponse,
  type UnsignedRequest,
  encodeRequest,
  parseResponse,
  requestSigning,
} from '@onlysum/protocol';
import type { Logger } from 'pino';
import { errorFields } from './log.js';
import type { RegistrarPort } from './registrar-port.js';

export interface RegistrarLink {
  /**
   * @param isAttested - whether an answer that is no refusal is what was asked for, duly signed.
   * @param budgetMs - after this the answer is a refusal `registrar-unavailable`.
   * @param about - fields of every line of the log: the round that asks.
   * @returns an answer or a refusal; never throws.
   */
  ask(
    request: UnsignedRequest,
    isAttested: (response: RegistrarResponse) => boolean,
    budgetMs: number,
    about?: Readonly<Record<string, unknown>>,
  ): Promise<RegistrarResponse>;
  /**
   * Whether the registrar answers now, asked at most once in a while however many want to know.
   *
   * @returns why it does not; undefined if it does. Without where it was looked for.
   */
  unreachable(): Promise<string | undefined>;
  /** Looks once whether the registrar is there, and warns in the log if it is not; never throws. */
  greet(): Promise<void>;
  /** Resolves when nothing is being asked. */
  settled(): Promise<void>;
  /** Gives up whatever is being asked. */
  close(): void;
}

/** @param elapsedMs - from the question to the answer or refusal, with all repetitions. */
export type OnAnswer = (
  kind: UnsignedRequest['kind'],
  response: RegistrarResponse,
  elapsedMs: number,
) => void;

/** Anyone may ask whether the coordinator is ready. */
const LOOK_AGAIN_MS = 1_000;
const LOOK_MS = 3_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export function registrarLink(
  port: RegistrarPort,
  seed: Uint8Array,
  suite: Suite,
  log: Logger,
  onAnswer: OnAnswer = () => undefined,
): RegistrarLink {
  const closing = new AbortController();
  const asking = new Set<Promise<RegistrarResponse>>();
  const ask: RegistrarLink['ask'] = async (request, isAttested, budgetMs, about = {}) => {
    const bytes = signedRequest(request, seed, suite);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(budgetMs)]);
    let last = `it did not answer within ${budgetMs} ms`;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const response = parseResponse(await orAborted(port.attest(bytes, signal), signal));
        if (response.kind === 'refused') return spoken(response);
        if (isAttested(response)) return response;
        log.error({ ...about, asked: request.kind }, 'the answer is not signed by the registrar');
        return refused(
          'registrar-signature',
          'the answer is not what was asked for under the signature of the registrar that the ' +
            'manifest names',
        );
      } catch (error) {
        if (signal.aborted) break;
        last = reasonFor(error);
        log.warn(
          { ...about, asked: request.kind, attempt, ...errorFields(error) },
          'the registrar gave no answer that can be used',
        );
        if (error instanceof OnlysumError && !error.retryable) return refused(error.code, last);
      }
      await pause(attempt, signal);
    }
    return refused('registrar-unavailable', `the registrar cannot be reached: ${last}`);
  };
  let look: { readonly atMs: number; readonly found: Promise<string | undefined> } | undefined;
  const lookForRegistrar = async (): Promise<string | undefined> => {
    try {
      await port.greet?.(AbortSignal.any([closing.signal, AbortSignal.timeout(LOOK_MS)]));
      return undefined;
    } catch (error) {
      return reasonFor(error);
    }
  };
  return {
    ask: (...question) => {
      const beganMs = performance.now();
      const answer = ask(...question)
        .then((response) => {
          onAnswer(question[0].kind, response, performance.now() - beganMs);
          return response;
        })
        .finally(() => asking.delete(answer));
      asking.add(answer);
      return answer;
    },
    unreachable: () => {
      const nowMs = performance.now();
      if (look === undefined || nowMs - look.atMs > LOOK_AGAIN_MS) {
        look = { atMs: nowMs, found: lookForRegistrar() };
      }
      return look.found;
    },
    greet: async () => {
      try {
        await port.greet?.(closing.signal);
      } catch (error) {
        if (closing.signal.aborted) return;
        log.warn(errorFields(error), 'rounds will fail until the registrar answers');
      }
    },
    settled: async () => {
      await Promise.all(asking);
    },
    close: () => closing.abort(),
  };
}

export function refused(code: string, detail: string): RegistrarResponse & { kind: 'refused' } {
  return { kind: 'refused', code, detail: printable(detail.slice(0, 500)), members: [] };
}

/** Goes to devices: what it is, without where in the operator's network the registrar was looked for. */
function reasonFor(error: unknown): string {
  if (error instanceof OnlysumError && error.got !== undefined) return error.got;
  return error instanceof Error ? error.message : String(error);
}

/** Its words go into logs, results and what devices are told. */
function spoken(refusal: RegistrarResponse & { kind: 'refused' }): RegistrarResponse {
  return { ...refusal, detail: printable(refusal.detail) };
}

function signedRequest(request: UnsignedRequest, seed: Uint8Array, suite: Suite): Uint8Array {
  const [signature] = runDerive(suite, [requestSigning(request, seed)]);
  if (!(signature instanceof Uint8Array)) {
    throw new InternalError('internal', 'signing gave no signature');
  }
  return encodeRequest({ ...request, signature });
}

/** A port that ignores its signal does not hold the round up. */
function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new RoundError('registrar-unavailable', 'no answer in time'));
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Full jitter, so that rounds that failed together do not come back together. */
async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  await sleep(randomInt(longest), undefined, { signal }).catch(() => undefined);
}
