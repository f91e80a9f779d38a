/**
 * What the API says of a window's metrics: the shapes of @onlysum/metrics, for the document and for checks
 * of what leaves. Invariant: an estimate of every kind has one of them (test/admin/tidy-rows.test.ts).
 */
import * as v from 'valibot';

const number = v.number();
const interval = v.strictTuple([number, number]);

export const estimate = v.pipe(
  v.strictObject({ value: number, standardError: number, interval }),
  v.description('A number with the error that noise leaves in it; exact without noise.'),
);
export const ratio = v.pipe(
  v.strictObject({ value: v.nullable(number), standardError: v.nullable(number), interval }),
  v.description('Null where too little is known of what is divided by.'),
);
const suppressed = v.strictObject({
  reason: v.literal('too-few-respondents'),
  required: v.number(),
});
const reported = { reported: estimate };
const clipped = { ...reported, clipped: estimate };
const named = { name: v.string(), count: estimate, share: ratio };
const bucket = { from: number, to: number, count: estimate };
const unit = v.string();

const measured = [
  v.strictObject({ kind: v.literal('flag'), ...reported, yes: estimate, share: ratio }),
  v.strictObject({ kind: v.literal('count'), ...clipped, total: estimate, mean: ratio }),
  v.strictObject({ kind: v.literal('sum'), ...clipped, total: estimate, mean: ratio, unit }),
  v.strictObject({ kind: v.literal('mean'), ...clipped, total: estimate, mean: ratio, unit }),
  v.strictObject({
    kind: v.literal('variance'),
    ...clipped,
    mean: ratio,
    variance: ratio,
    standardDeviation: ratio,
    unit,
  }),
  v.strictObject({
    kind: v.literal('category'),
    ...reported,
    categories: v.array(v.strictObject(named)),
  }),
  v.strictObject({
    kind: v.literal('multi-select'),
    ...clipped,
    options: v.array(v.strictObject(named)),
  }),
  v.strictObject({
    kind: v.literal('histogram'),
    ...clipped,
    buckets: v.array(v.strictObject(bucket)),
    unit,
  }),
  v.strictObject({
    kind: v.literal('distribution'),
    ...clipped,
    quantiles: v.array(
      v.strictObject({
        quantile: number,
        value: v.nullable(number),
        relativeError: v.nullable(number),
        interval,
      }),
    ),
    buckets: v.array(v.strictObject({ ...bucket, middle: number })),
    relativeError: number,
    unit,
  }),
  v.strictObject({
    kind: v.literal('cross-tabulation'),
    ...reported,
    rows: v.array(v.string()),
    columns: v.array(v.string()),
    counts: v.array(v.array(estimate)),
  }),
  v.strictObject({
    kind: v.literal('top-k'),
    ...reported,
    top: v.array(v.strictObject({ ...named, rank: number, certain: v.boolean() })),
    other: estimate,
    otherShare: ratio,
  }),
] as const;

export const metricResult = v.union([
  v.variant('kind', measured),
  v.strictObject({ kind: v.string(), suppressed }),
]);

export const groupResult = v.union([
  v.strictObject({ respondents: estimate, optOutRate: v.exactOptional(estimate) }),
  v.strictObject({ suppressed }),
]);

export const windowResult = v.strictObject({
  survivors: number,
  groups: v.record(v.string(), groupResult),
  metrics: v.record(v.string(), metricResult),
  implausible: v.array(v.string()),
});
