/**
 * What the admin API takes and gives, in valibot: requests are parsed by it, the OpenAPI document comes
 * from it, tests hold responses against it. Knows: shapes. Doesn't know: routes.
 * Invariant: a shape has no field that could hold a token, an address or a pseudonym, but the token that
 * was just made.
 */
import { PERMISSIONS, type Permission } from '@onlysum/service';
import { ROLES } from '@onlysum/task';
import * as v from 'valibot';
import { MOST_REASON_CHARACTERS } from '../kill-switch.js';
import { estimate, windowResult } from './estimate-schema.js';
import { MOST_TOKEN_DAYS, MOST_TOKEN_TASKS } from './tokens.js';

export const safe = (minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(minimum), v.maxValue(maximum));
const ms = v.pipe(safe(), v.description('Unix time in milliseconds.'));
const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const count = safe();
const role = v.picklist(ROLES);
const oneLine = (most: number) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${most}}$`, 'u')));

export const taskId = hex(64);
const tokenIdShape = hex(16);
/** Of a path or a query: decimal digits. The document says that it is an integer. */
export const integerText = (minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  v.pipe(
    v.string(),
    v.regex(/^[0-9]{1,16}$/),
    v.transform(Number),
    v.minValue(minimum),
    v.maxValue(maximum),
    v.metadata({ json: { type: 'integer', minimum, maximum } }),
  );
export const format = v.exactOptional(v.picklist(['json', 'csv']), 'json');

export const error = v.strictObject({
  error: v.strictObject({
    code: v.pipe(v.string(), v.description('Stable; docs/errors.md has a row for each.')),
    message: v.string(),
    retryable: v.boolean(),
    field: v.exactOptional(v.string()),
    expected: v.exactOptional(v.string()),
    got: v.exactOptional(v.string()),
  }),
});

const tasks = v.union([v.literal('all'), v.pipe(v.array(v.string()), v.minLength(1))]);
export const me = v.strictObject({
  id: tokenIdShape,
  name: v.string(),
  role,
  permissions: v.array(v.picklist(Object.keys(PERMISSIONS) as [Permission, ...Permission[]])),
  tasks,
  expiresMs: ms,
});

const noisy = {
  epsilon: v.string(),
  neighbours: v.picklist(['zero', 'replace']),
  budget: v.strictObject({ epsilon: v.string(), delta: v.string(), days: count }),
};
export const privacyPromise = v.variant('mechanism', [
  v.strictObject({ mechanism: v.literal('none') }),
  v.strictObject({ mechanism: v.literal('skellam'), delta: v.string(), ...noisy }),
  v.strictObject({ mechanism: v.literal('discrete-laplace'), ...noisy }),
]);

export const task = v.strictObject({
  taskId,
  name: v.string(),
  version: count,
  state: v.picklist(['open', 'stopped']),
  reason: v.exactOptional(v.string()),
  served: v.pipe(v.boolean(), v.description('False for one that was served once.')),
  publisher: hex(64),
  registrar: hex(64),
  url: v.string(),
  window: v.strictObject({ lengthMs: count }),
  cohort: v.strictObject({ min: count, target: count, max: count }),
  minSurvivors: count,
  minRespondents: count,
  privacy: privacyPromise,
  groups: v.array(
    v.strictObject({ name: v.string(), purpose: v.string(), essential: v.boolean() }),
  ),
  metrics: v.array(
    v.strictObject({
      name: v.string(),
      kind: v.string(),
      group: v.string(),
      purpose: v.string(),
      owner: v.string(),
      retentionDays: count,
      access: v.array(role),
      unit: v.exactOptional(v.string()),
    }),
  ),
});
export const taskList = v.array(task);
export const reasonBody = v.strictObject({
  reason: v.pipe(
    oneLine(MOST_REASON_CHARACTERS),
    v.description('For the audit log; when stopping, devices are told.'),
  ),
});

const windowFacts = { window: count, startMs: ms, endMs: ms };
const summary = {
  ...windowFacts,
  state: v.picklist(['open', 'closed', 'too-few']),
  opened: v.pipe(count, v.description('Rounds that opened.')),
  devices: v.pipe(count, v.description('Of the rounds that opened.')),
  survivors: count,
};
export const window = v.strictObject({
  ...summary,
  rounds: v.pipe(count, v.description('That ended.')),
});
export const windowList = v.array(window);
const durations = v.strictObject({ gatherMs: count, roundMs: count, cpuMs: count });
export const windowDetail = v.strictObject({
  ...summary,
  rounds: v.array(
    v.strictObject({
      round: hex(32),
      outcome: v.picklist(['opened', 'aborted']),
      reason: v.exactOptional(v.string()),
      detail: v.exactOptional(v.string()),
      devices: count,
      survivors: v.exactOptional(count),
      drops: v.array(v.strictObject({ stage: v.string(), code: v.string(), count })),
      durations,
      closedMs: ms,
    }),
  ),
});
export const resultState = v.picklist(['open', 'too-few', 'deleted', 'closed']);
export const windowResultBody = v.strictObject({
  ...windowFacts,
  state: resultState,
  devices: v.exactOptional(count),
  survivors: v.exactOptional(count),
  estimates: v.exactOptional(windowResult),
  withheld: v.pipe(
    v.array(v.string()),
    v.description("Metrics whose `access` does not name the token's role."),
  ),
});

export const resealed = v.strictObject({
  keyId: v.pipe(v.string(), v.description('Of the key that seals.')),
  resealed: v.pipe(count, v.description('Results that were under another key.')),
  isDone: v.pipe(v.boolean(), v.description('False if some are left: ask again.')),
});

const nullableText = v.nullable(v.string());
const nullableNumber = v.nullable(v.number());
export const tidyRow = v.strictObject({
  task: v.string(),
  version: count,
  ...windowFacts,
  state: v.picklist(['closed', 'too-few', 'deleted']),
  metric: nullableText,
  kind: nullableText,
  statistic: nullableText,
  category: nullableText,
  value: nullableNumber,
  standardError: nullableNumber,
  low: nullableNumber,
  high: nullableNumber,
  unit: nullableText,
  suppressed: v.boolean(),
  reason: nullableText,
});
export const tidyRows = v.array(tidyRow);
export const dictionary = v.strictObject({
  columns: v.array(v.strictObject({ name: v.string(), type: v.string(), meaning: v.string() })),
  metrics: v.array(
    v.strictObject({
      name: v.string(),
      kind: v.string(),
      unit: nullableText,
      group: v.string(),
      purpose: v.string(),
      owner: v.string(),
      retentionDays: count,
      access: v.array(role),
      statistics: v.array(v.strictObject({ name: v.string(), meaning: v.string() })),
    }),
  ),
});

export const privacyBody = v.strictObject({
  privacy: privacyPromise,
  budget: v.nullable(
    v.strictObject({
      epsilon: v.string(),
      delta: v.string(),
      days: count,
      windows: v.pipe(count, v.description('That opened within the last `days` days.')),
      windowsPaid: v.pipe(
        count,
        v.description('That the whole budget pays for, within `days` days.'),
      ),
      spentEpsilon: v.pipe(
        v.nullable(v.number()),
        v.description(
          'Of a device that was in every one of them, at `delta`; null if no bound can be shown.',
        ),
      ),
    }),
  ),
  windows: v.array(
    v.strictObject({
      ...windowFacts,
      state: resultState,
      cohortSizes: v.array(count),
      survivors: count,
      refusals: v.array(v.strictObject({ code: v.string(), count })),
      optOut: v.array(
        v.union([
          v.strictObject({ group: v.string(), ...estimate.pipe[0].entries }),
          v.strictObject({ group: v.string(), suppressed: v.literal(true) }),
        ]),
      ),
    }),
  ),
});

export const auditEntry = v.strictObject({
  sequence: safe(1),
  atMs: ms,
  action: v.string(),
  actor: v.string(),
  subject: v.exactOptional(v.string()),
  outcome: v.picklist(['done', 'refused', 'failed']),
  details: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  previous: hex(64),
  digest: hex(64),
});
export const auditPage = v.array(auditEntry);
/** Of an empty log: 0 and zeros. */
export const auditHead = v.strictObject({ sequence: count, digest: hex(64) });
export const auditVerdict = v.strictObject({
  entries: count,
  head: auditHead,
  fault: v.exactOptional(
    v.strictObject({ sequence: count, reason: v.picklist(['edited', 'missing-or-moved']) }),
  ),
});

export const token = v.strictObject({
  id: tokenIdShape,
  name: v.string(),
  role,
  tasks,
  createdMs: ms,
  expiresMs: ms,
  revokedMs: v.exactOptional(ms),
});
export const tokenList = v.array(token);
export const newToken = v.strictObject({
  name: oneLine(100),
  role,
  tasks: v.union([
    v.literal('all'),
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/))),
      v.minLength(1),
      v.maxLength(MOST_TOKEN_TASKS),
    ),
  ]),
  days: safe(1, MOST_TOKEN_DAYS),
});
export const madeToken = v.strictObject({
  token: v.pipe(v.string(), v.description('Shown this once.')),
  ...token.entries,
});
export const tokenIdText = tokenIdShape;

export const liveRound = v.strictObject({
  taskId,
  task: v.string(),
  window: count,
  round: hex(32),
  stage: v.string(),
  devices: count,
  asked: v.pipe(
    count,
    v.description(
      'Devices of which the stage has or awaits an answer, without those that are lost; 0 while it needs none.',
    ),
  ),
  answered: v.pipe(count, v.description('Those of them that have given it.')),
  target: v.pipe(count, v.description('The cohort closes with so many.')),
  missing: v.pipe(count, v.description('Devices without which no round begins.')),
  closesInMs: v.pipe(
    v.nullable(v.number()),
    v.description('Until the stage ends at the latest; null if nothing limits it.'),
  ),
});
/** Of the event `rounds`. */
export const liveRounds = v.array(liveRound);
