/**
 * What a server says of itself, over HTTP. Knows: the forms of /healthz and /readyz, and the clock they
 * tell. Doesn't know: how it is shown, what is wrong. Invariant: what a server says is checked and printable.
 */
import { printable } from '@onlysum/crypto';
import * as v from 'valibot';

const MOST_BODY_BYTES = 2 ** 20;
/** Of the document that every admin listener gives without a token. */
const ADMIN_TITLE = 'Onlysum coordinator, admin API';
const ANSWER_MS = 5000;
const SILENT = `no answer within ${ANSWER_MS} ms`;

const word = v.pipe(v.string(), v.maxLength(500), v.transform(printable));
const count = v.pipe(v.number(), v.minValue(0));
/** What a server cannot read of its store at the moment. */
const countOrNull = v.nullable(count);

const reasons = v.array(
  v.object({ stage: v.exactOptional(word), code: word, count, lastMs: v.number() }),
);
const tasks = v.array(v.object({ name: word, version: count }));

const coordinatorHealth = v.object({
  role: v.literal('coordinator'),
  status: v.picklist(['ok', 'closing']),
  registrar: v.picklist(['embedded', 'remote']),
  nowMs: v.number(),
  uptimeMs: count,
  connections: count,
  gathering: count,
  running: count,
  opened: count,
  aborted: count,
  unsavedResults: count,
  rounds: v.array(
    v.object({
      task: word,
      version: count,
      window: count,
      stage: word,
      devices: count,
      ageMs: count,
      stageMs: count,
    }),
  ),
  drops: reasons,
  aborts: reasons,
  tasks,
});

const registrarHealth = v.object({
  role: v.literal('registrar'),
  status: v.literal('ok'),
  nowMs: v.number(),
  uptimeMs: count,
  incarnation: countOrNull,
  epoch: count,
  enrolled: countOrNull,
  tasks,
});

const health = v.variant('role', [coordinatorHealth, registrarHealth]);
const readiness = v.object({
  status: v.picklist(['ready', 'not-ready']),
  reasons: v.array(word),
});

export type CoordinatorView = v.InferOutput<typeof coordinatorHealth>;
export type RegistrarView = v.InferOutput<typeof registrarHealth>;

export type ServerView =
  | {
      readonly url: string;
      readonly health: CoordinatorView | RegistrarView;
      readonly readiness: v.InferOutput<typeof readiness>;
      /** Its clock minus this machine's, in milliseconds, to within half the time the answer took. */
      readonly aheadMs: number;
      readonly answerMs: number;
    }
  | { readonly url: string; readonly problem: string };

/** @param url - without a slash at its end. @returns a view; never throws. */
export async function viewServer(url: string): Promise<ServerView> {
  try {
    const beganMs = Date.now();
    const answer = await answerOf(`${url}/healthz`);
    const endedMs = Date.now();
    const parsed = v.safeParse(health, answer);
    if (!parsed.success) return { url, problem: 'what answers is no server of this version' };
    const ready = v.safeParse(readiness, await answerOf(`${url}/readyz`));
    if (!ready.success) return { url, problem: 'what answers is no server of this version' };
    const aheadMs = Math.round(parsed.output.nowMs - (beganMs + endedMs) / 2);
    const answerMs = endedMs - beganMs;
    return { url, health: parsed.output, readiness: ready.output, aheadMs, answerMs };
  } catch (error) {
    return { url, problem: reasonOf(error) };
  }
}

/** @returns the keys that it signs with, hex, the present one first; undefined if it gives none. */
export async function registrarKeysAt(url: string): Promise<readonly string[] | undefined> {
  const key = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
  const answer = v.object({ publicKey: key, previousKeys: v.array(key) });
  try {
    const parsed = v.safeParse(answer, await answerOf(`${url}/v1/key`));
    return parsed.success ? [parsed.output.publicKey, ...parsed.output.previousKeys] : undefined;
  } catch {
    return undefined;
  }
}

/** @returns whether the admin API of a coordinator answers there. */
export async function isAdminAt(url: string): Promise<boolean> {
  const answer = v.object({ info: v.object({ title: v.literal(ADMIN_TITLE) }) });
  try {
    return v.is(answer, await answerOf(`${url}/api/v1/openapi.json`));
  } catch {
    return false;
  }
}

/** Whatever the status: 503 has a body as well. @returns undefined for what is no JSON. */
async function answerOf(url: string): Promise<unknown> {
  const controller = new AbortController();
  // AbortSignal.timeout keeps no process alive, nor does a request whose peer breaks off at once: with
  // nothing else to do, Node would end before the answer.
  const timer = setTimeout(() => controller.abort(new Error(SILENT)), ANSWER_MS);
  try {
    const response = await fetch(url, { signal: controller.signal, redirect: 'error' });
    const text = await bodyOf(response);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** @returns undefined for more than any server of ours says. */
async function bodyOf(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MOST_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The platform's fetch says why only in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return code || cause.message || error.message;
}
