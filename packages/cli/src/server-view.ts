/**
 * What a server says of itself, over HTTP. Knows: the forms of /healthz and /readyz, and the clock they
 * tell. Doesn't know: how it is shown, what is wrong. Invariant: what a server says is checked and printable.
 */
import { printable } from '@onlysum/crypto';
import * as v from 'valibot';
import { type ServerProblem, serverProblem } from './server-problem.js';
import { type Answer, getAnswer, getJson, type ServerAddress } from './server-request.js';

/** Of the document that every admin listener gives without a token. */
const ADMIN_TITLE = 'Onlysum coordinator, admin API';

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

/** As both servers tell an error. */
const refusal = v.object({ error: v.object({ code: word, message: word }) });

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
  | {
      readonly url: string;
      /** Why it is not ready, of a server that runs but cannot say how it is, e.g. without its store. */
      readonly failing: readonly string[];
    }
  | ({ readonly url: string } & ServerProblem);

/** @returns a view; never throws. */
export async function viewServer(server: ServerAddress): Promise<ServerView> {
  const { url } = server;
  try {
    const beganMs = Date.now();
    const answer = await getAnswer(server, '/healthz');
    const endedMs = Date.now();
    const parsed = v.safeParse(health, answer.json);
    const readyAnswer = await getAnswer(server, '/readyz');
    const ready = v.safeParse(readiness, readyAnswer.json);
    if (!parsed.success || !ready.success) {
      const reasons = ready.success ? ready.output.reasons : [];
      return { url, ...failing([answer, readyAnswer], reasons) };
    }
    const aheadMs = Math.round(parsed.output.nowMs - (beganMs + endedMs) / 2);
    const answerMs = endedMs - beganMs;
    return { url, health: parsed.output, readiness: ready.output, aheadMs, answerMs };
  } catch (error) {
    return { url, ...serverProblem(server, error) };
  }
}

/** Of one that is ours, at least one of /healthz and /readyz has our form, or our form of an error. */
function failing(
  answers: readonly [health: Answer, readiness: Answer],
  reasons: readonly string[],
): { readonly failing: readonly string[] } | ServerProblem {
  const refusals = ['/healthz', '/readyz'].flatMap((path, i) => {
    const { status, json } = answers[i] as Answer;
    const parsed = v.safeParse(refusal, json);
    if (status < 500 || !parsed.success) return [];
    const { code, message } = parsed.output.error;
    return [`${path} answers ${status}: ${message} [${code}]`];
  });
  if (refusals.length + reasons.length > 0) return { failing: [...reasons, ...refusals] };
  const { status } = answers[0];
  const said = status === 200 ? '' : `: it answers ${status}`;
  return { problem: `what answers is no server of this version${said}` };
}

/** @returns the keys that it signs with, hex, the present one first; undefined if it gives none. */
export async function registrarKeysAt(
  server: ServerAddress,
): Promise<readonly string[] | undefined> {
  const key = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
  const answer = v.object({ publicKey: key, previousKeys: v.array(key) });
  try {
    const parsed = v.safeParse(answer, await getJson(server, '/v1/key'));
    return parsed.success ? [parsed.output.publicKey, ...parsed.output.previousKeys] : undefined;
  } catch {
    return undefined;
  }
}

/** @returns whether the admin API of a coordinator answers there, or why that cannot be known. */
export async function isAdminAt(server: ServerAddress): Promise<boolean | ServerProblem> {
  const answer = v.object({ info: v.object({ title: v.literal(ADMIN_TITLE) }) });
  try {
    return v.is(answer, await getJson(server, '/api/v1/openapi.json'));
  } catch (error) {
    return serverProblem(server, error);
  }
}
