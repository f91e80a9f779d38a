/**
 * The shape of a manifest, field by field. What spans several fields is in manifest-rules.ts.
 * Invariant: every leaf's message is what it expects, so that errors can say it; what valibot does not know
 * has its fragment of a JSON Schema beside it.
 */
import * as v from 'valibot';
import { MAX_COHORT } from './bounds.js';
import { DECIMAL_FORM, DECIMAL_PATTERN } from './decimal.js';
import { ROLES } from './manifest.js';
import { isCoordinatorUrl } from './url.js';

const safe = Number.MAX_SAFE_INTEGER;

/** What a JSON Schema says of a check that is our own. */
export interface JsonFragment {
  readonly type?: 'boolean' | 'integer' | 'string';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

const fragments = new WeakMap<object, JsonFragment>();

/** @param check - a schema or an action in `manifestSchema`. @returns undefined for one of valibot. */
export function jsonFragment(check: object): JsonFragment | undefined {
  return fragments.get(check);
}

function told<T extends object>(fragment: JsonFragment, check: T): T {
  fragments.set(check, fragment);
  return check;
}

/** @param maximum - 2^53 − 1 unless there is a reason for less. */
function integer(minimum: number, maximum: number = safe) {
  return told(
    { type: 'integer', minimum, maximum },
    v.custom<number>(
      (x) => Number.isSafeInteger(x) && (x as number) >= minimum && (x as number) <= maximum,
      maximum === safe ? `an integer ≥ ${minimum}` : `an integer from ${minimum} to ${maximum}`,
    ),
  );
}

function pattern(regex: RegExp, expected: string) {
  return told(
    { type: 'string', pattern: regex.source },
    v.custom<string>((x) => typeof x === 'string' && regex.test(x), expected),
  );
}

function array<T extends v.GenericSchema>(item: T, minItems: number, maxItems: number) {
  return v.pipe(
    v.array(item),
    told(
      { minItems, maxItems },
      v.rawCheck<v.InferOutput<T>[]>(({ dataset, addIssue }) => {
        if (!Array.isArray(dataset.value)) return;
        const { length } = dataset.value;
        if (length < minItems || length > maxItems)
          addIssue({ message: '', expected: `${minItems} to ${maxItems} entries` });
      }),
    ),
  );
}

const key = pattern(/^[0-9a-f]{64}$/, 'an Ed25519 public key, 64 lower-case hex digits');
const prose = (max: number) =>
  pattern(
    new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${max}}$`, 'u'),
    `a text of 1 to ${max} characters without control characters`,
  );
const decimal = pattern(DECIMAL_PATTERN, DECIMAL_FORM);
const boolean = told(
  { type: 'boolean' },
  v.custom<boolean>((x) => typeof x === 'boolean', 'true or false'),
);

// Names become lane labels, where '.', '[' and ']' separate.
const metricName = pattern(
  /^[a-z][a-z0-9_]{0,62}$/,
  'a lower-case name like "startup_ms", at most 63 characters',
);
const groupName = pattern(
  /^[a-z][a-z0-9_-]{0,62}$/,
  'a lower-case name like "performance", at most 63 characters',
);
const category = pattern(
  /^[A-Za-z0-9][A-Za-z0-9 ._+:/-]{0,63}$/,
  'a category like "chrome-120": a letter or digit, then letters, digits, spaces or ._+:/-, at most 64',
);

const base = {
  name: metricName,
  group: groupName,
  purpose: prose(500),
  owner: prose(200),
  // Ten years: what is kept longer is not telemetry any more.
  retentionDays: integer(1, 3650),
  access: array(v.picklist(ROLES), 1, ROLES.length),
};
const range = { min: decimal, max: decimal, resolution: decimal, unit: prose(32) };
const listed = array(category, 1, 1000);

const metric = v.variant('kind', [
  v.strictObject({ ...base, kind: v.literal('flag') }),
  v.strictObject({ ...base, kind: v.literal('count'), max: integer(1) }),
  v.strictObject({ ...base, kind: v.literal('category'), categories: listed }),
  v.strictObject({
    ...base,
    kind: v.literal('multi-select'),
    options: listed,
    most: integer(1, 1000),
  }),
  v.strictObject({ ...base, kind: v.literal('top-k'), candidates: listed, k: integer(1, 1000) }),
  v.strictObject({ ...base, kind: v.literal('sum'), ...range }),
  v.strictObject({ ...base, kind: v.literal('mean'), ...range }),
  v.strictObject({ ...base, kind: v.literal('variance'), ...range }),
  v.strictObject({
    ...base,
    kind: v.literal('histogram'),
    edges: array(decimal, 2, 1001),
    unit: prose(32),
  }),
  v.strictObject({
    ...base,
    kind: v.literal('distribution'),
    min: decimal,
    max: decimal,
    relativeError: decimal,
    unit: prose(32),
  }),
  v.strictObject({
    ...base,
    kind: v.literal('cross-tabulation'),
    rows: metricName,
    columns: metricName,
  }),
]);

const noise = {
  epsilon: decimal,
  neighbours: v.picklist(['zero', 'replace']),
  budget: v.strictObject({ epsilon: decimal, delta: decimal, days: integer(1, 3650) }),
};
const privacy = v.variant('mechanism', [
  v.strictObject({ mechanism: v.literal('none') }),
  v.strictObject({ mechanism: v.literal('skellam'), delta: decimal, ...noise }),
  v.strictObject({ mechanism: v.literal('discrete-laplace'), ...noise }),
]);

export const manifestSchema = v.strictObject({
  onlysum: v.literal(1),
  suite: v.literal(1),
  name: pattern(
    /^[a-z][a-z0-9-]{0,62}$/,
    'a lower-case name like "acme-desktop", at most 63 characters',
  ),
  version: integer(1),
  publisher: key,
  registrar: key,
  coordinator: v.strictObject({
    key,
    url: told(
      // Its form alone: what a parser of URLs says besides, no regular expression tells well.
      {
        type: 'string',
        pattern: String.raw`^(wss|ws(?=://(localhost|127\.|\[::1\])))://[!"$-~]{1,2000}$`,
      },
      v.custom<string>(
        isCoordinatorUrl,
        'a wss:// URL (ws:// only for localhost) without user or fragment',
      ),
    ),
  }),
  window: v.strictObject({ lengthMs: integer(1000) }),
  epoch: v.strictObject({ lengthMs: integer(1000) }),
  cohort: v.strictObject({
    min: integer(3, MAX_COHORT),
    target: integer(3, MAX_COHORT),
    max: integer(3, MAX_COHORT),
  }),
  minSurvivors: integer(2, MAX_COHORT),
  attempts: integer(1, 16),
  assumptions: v.strictObject({
    corrupt: integer(0, 999),
    dropout: integer(0, 999),
    population: integer(0, 1_000_000),
  }),
  minRespondents: integer(1, MAX_COHORT),
  privacy,
  validity: v.strictObject({ notBeforeMs: integer(0), notAfterMs: integer(0) }),
  groups: array(
    v.strictObject({ name: groupName, purpose: prose(500), essential: boolean }),
    1,
    64,
  ),
  metrics: array(metric, 1, 1000),
});
