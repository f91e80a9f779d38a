/**
 * The types of what a host records, from a manifest written down as a constant: a typo in a metric's or
 * a category's name does not compile. Knows: kinds. Doesn't know: bounds, which are checked when recording.
 */
import type { Metric, OTHER_CATEGORY } from './manifest.js';

/**
 * By metric what may be recorded. A cross-tabulation is made from two others and is left out. Anything
 * that is not listed counts as `other` at run time; the type asks to write `other` for it.
 *
 * @example
 * const manifest = { …, metrics: [{ name: 'crashes', kind: 'count', … }] } as const;
 * type Metrics = MetricValues<typeof manifest>; // { readonly crashes: number }
 */
export type MetricValues<M extends { readonly metrics: readonly Metric[] }> = {
  readonly [K in Recorded<M['metrics'][number]> as K['name']]: ValueOf<K>;
};

type Recorded<K extends Metric> = Exclude<K, { readonly kind: 'cross-tabulation' }>;

type ValueOf<K extends Metric> = K extends { readonly kind: 'flag' }
  ? boolean
  : K extends { readonly kind: 'category'; readonly categories: readonly (infer Name)[] }
    ? Name | typeof OTHER_CATEGORY
    : K extends { readonly kind: 'top-k'; readonly candidates: readonly (infer Name)[] }
      ? Name | typeof OTHER_CATEGORY
      : K extends { readonly kind: 'multi-select'; readonly options: readonly (infer Name)[] }
        ? readonly (Name | typeof OTHER_CATEGORY)[]
        : number;
