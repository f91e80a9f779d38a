/**
 * Metrics in words: short ones for tables, sentences for people whose devices report them.
 * Knows: kinds. Doesn't know: markup, whose text is escaped where it is rendered.
 */
import { type Manifest, type Metric, withOther } from '@onlysum/task';

/** What values there are. */
export function rangeOf(metric: Metric): string {
  switch (metric.kind) {
    case 'flag':
      return 'yes or no';
    case 'count':
      return `0 to ${metric.max}`;
    case 'category':
      return withOther(metric.categories).join(', ');
    case 'multi-select':
      return `up to ${metric.most} of ${withOther(metric.options).join(', ')}`;
    case 'top-k':
      return `the ${metric.k} most frequent of ${withOther(metric.candidates).join(', ')}`;
    case 'cross-tabulation':
      return `${metric.rows} by ${metric.columns}`;
    case 'distribution':
      return `${metric.min} to ${metric.max} ${metric.unit}, within ${metric.relativeError} of each value`;
    case 'sum':
    case 'mean':
    case 'variance':
      return `${metric.min} to ${metric.max} ${metric.unit} by ${metric.resolution}`;
    case 'histogram':
      return `${metric.edges.join(' | ')} ${metric.unit}`;
  }
}

/** What a device adds to the totals, for whoever owns it. */
export function plainWords(metric: Metric): string {
  switch (metric.kind) {
    case 'flag':
      return 'Yes or no. The result tells how many devices say yes, and how many answer.';
    case 'count':
      return `How often it happens; beyond ${metric.max} it counts as ${metric.max}. The result tells how often on all devices together.`;
    case 'category':
      return `Which one it is of ${list(metric.categories)}, or another one. The result tells how many devices have each.`;
    case 'top-k':
      return `Which one it is of ${list(metric.candidates)}, or another one. Shown are the ${metric.k} that most devices have.`;
    case 'multi-select':
      return `Which of these there are, at most ${metric.most} counted: ${list(metric.options)}, or others. The result tells how many devices have each.`;
    case 'sum':
      return `${numberWords(metric)}. The result is the total of all devices.`;
    case 'mean':
      return `${numberWords(metric)}. The result is the average over all devices.`;
    case 'variance':
      return `${numberWords(metric)}. The result is the average over all devices, and how much they differ.`;
    case 'histogram':
      return `In which of these ranges its number lies: ${rangesOf(metric)}. The result tells how many devices lie in each.`;
    case 'distribution':
      return `About how large its number is, from ${metric.min} to ${metric.max} ${metric.unit}, to within ${Number(metric.relativeError) * 100} % of itself. The result tells how many devices have about which number.`;
    case 'cross-tabulation':
      return `Nothing more than ${metric.rows} and ${metric.columns}. The result tells how many devices have which two of them.`;
  }
}

/** What is counted of a group itself. */
export function respondentsWords(): string {
  return 'That this group is given, so that averages are right. The result tells how many devices give it.';
}

/** How many numbers of a vector it takes, and of what kind. */
export function laneWords(
  lanes: readonly { readonly bound: number; readonly width: number }[],
): string {
  const bits = lanes.reduce((sum, lane) => sum + lane.width, 0);
  const most = lanes.reduce((largest, lane) => Math.max(largest, lane.bound), 0);
  return `${lanes.length} masked ${lanes.length === 1 ? 'number' : 'numbers'} of 0 to ${most}, ${bits} bits`;
}

/** Manifest's roles of readers, as words. */
export function readerWords(access: Manifest['metrics'][number]['access']): string {
  return list(access.map((role) => (role === 'privacy-officer' ? 'privacy officer' : role)));
}

function numberWords(metric: Extract<Metric, { resolution: string }>): string {
  const { min, max, resolution, unit } = metric;
  return `A number from ${min} to ${max} ${unit}, rounded to ${resolution} ${unit}`;
}

function rangesOf({ edges, unit }: Extract<Metric, { kind: 'histogram' }>): string {
  return list(edges.slice(1).map((to, i) => `${edges[i]} to ${to} ${unit}`));
}

function list(names: readonly string[]): string {
  return names.join(', ');
}
