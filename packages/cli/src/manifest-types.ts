/**
 * The TypeScript of what a manifest's metrics take, for a manifest that is JSON and so has no type of its own.
 * The same as `MetricValues` of @onlysum/task. Knows: kinds. Doesn't know: files.
 */
import { type Manifest, type Metric, withOther } from '@onlysum/task';

/** @returns a module with the interface `Metrics`. */
export function typesOf({ name, version, metrics }: Manifest): string {
  const fields = metrics.flatMap((metric) => {
    const type = typeOf(metric);
    if (type === undefined) return [];
    return [`  /** ${commented(metric.purpose)} */`, `  readonly ${metric.name}: ${type};`];
  });
  return [
    `/** What is recorded for ${name}, version ${version}: made by \`onlysum manifest types\`, change the manifest. */`,
    'export interface Metrics {',
    ...fields,
    '}',
    '',
  ].join('\n');
}

/** Undefined for what is not recorded. */
function typeOf(metric: Metric): string | undefined {
  switch (metric.kind) {
    case 'flag':
      return 'boolean';
    case 'category':
      return union(metric.categories);
    case 'top-k':
      return union(metric.candidates);
    case 'multi-select':
      return `readonly (${union(metric.options)})[]`;
    case 'cross-tabulation':
      return undefined;
    case 'count':
    case 'sum':
    case 'mean':
    case 'variance':
    case 'histogram':
    case 'distribution':
      return 'number';
  }
}

// A category has neither quotes nor backslashes.
function union(names: readonly string[]): string {
  return withOther(names)
    .map((name) => `'${name}'`)
    .join(' | ');
}

// A purpose is any text on one line, also one that would end the comment or be a tag in it.
function commented(purpose: string): string {
  return purpose.replaceAll('*/', '*\\/').replaceAll('@', '\\@');
}
