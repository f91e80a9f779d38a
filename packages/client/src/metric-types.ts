/** What a type of metrics may be: names to the values they take. Nothing of it is there at run time. */
import type { RecordedValue } from '@onlysum/metrics';

/** An interface or a type whose properties are all recorded values. */
export type MetricTypes<Metrics> = { readonly [Name in keyof Metrics]: RecordedValue };

/** Any name and any value; what is wrong is found when it is recorded. */
export type AnyMetrics = Readonly<Record<string, RecordedValue>>;
