/**
 * What a manifest asks for, in sentences for the people it concerns: consent dialogs, privacy notices,
 * inventories. Knows: all English about a task. Doesn't know: markup, values, whom it is said to.
 * Invariant: a sentence promises what manifest and protocol hold a device to, never more.
 */
import { logBuckets } from './log-buckets.js';
import type {
  Group,
  Manifest,
  Metric,
  MultiSelectMetric,
  Privacy,
  RangeMetric,
  Role,
} from './manifest.js';
import { OTHER_CATEGORY } from './manifest.js';

/** @returns what a device records of a metric, and in which form it goes into the total. */
export function recordedText(metric: Metric, { window }: Pick<Manifest, 'window'>): string {
  switch (metric.kind) {
    case 'flag':
      return 'Yes or no.';
    case 'count':
      return `How often it happens between two uploads (about ${durationText(window.lengthMs)}), up to ${metric.max}.`;
    case 'category':
      return `One of ${withOther(metric.categories)}.`;
    case 'top-k':
      return `One of ${withOther(metric.candidates)}.`;
    case 'multi-select':
      return multiSelectText(metric);
    case 'sum':
      return `A total between two uploads (about ${durationText(window.lengthMs)}), ${rangeText(metric)}`;
    case 'mean':
    case 'variance':
      return `A number ${rangeText(metric)}`;
    case 'histogram': {
      const { edges, unit } = metric;
      const ranges = edges.length - 1;
      return `Not the number itself, but which of ${plural(ranges, 'range')} between ${edges[0]} and ${edges[ranges]} ${unit} it falls into.`;
    }
    case 'distribution': {
      const { min, max, unit, relativeError } = metric;
      const ranges = logBuckets(metric).length;
      return `Not the number itself, but which of ${plural(ranges, 'range')} up to ${max} ${unit} it falls into, each within ${percentText(relativeError)} of its middle; all below ${min} ${unit} are one range.`;
    }
    case 'cross-tabulation':
      return `Nothing more: which combination of ${metric.rows} and ${metric.columns} holds.`;
  }
}

/** @returns what the opened total says of a metric. */
export function learnedText(metric: Metric): string {
  switch (metric.kind) {
    case 'flag':
      return 'How many devices say yes.';
    case 'count':
    case 'sum':
      return 'The sum over all devices, and how many of them were at the limit.';
    case 'category':
      return 'How many devices fall under each.';
    case 'multi-select':
      return 'How many devices chose each.';
    case 'mean':
      return 'The average over all devices.';
    case 'variance':
      return 'The average over all devices, and how far they spread around it.';
    case 'histogram':
      return 'How many devices fall into each range.';
    case 'distribution':
      return 'How many devices fall into each range, and from that the median and other quantiles.';
    case 'cross-tabulation':
      return 'How many devices have each combination.';
    case 'top-k':
      return `How many devices fall under each; results show the ${metric.k} most frequent.`;
  }
}

export function retentionText(days: number): string {
  return `Results are kept for ${plural(days, 'day')}, then deleted.`;
}

export function accessText(roles: readonly Role[]): string {
  return `Results may be read by ${joined(roles.map((role) => READERS[role]))}.`;
}

export function choiceText({ essential }: Pick<Group, 'essential'>): string {
  return essential
    ? 'Always on while this device takes part. To send none of it, leave the task.'
    : 'Your choice, which you can change at any time. Off unless you turn it on.';
}

export function frequencyText({ window }: Pick<Manifest, 'window'>): string {
  return `At most once ${everyText(window.lengthMs)}, in one upload with all groups that are on.`;
}

/** @returns what keeps one device's values from being seen. */
export function maskingText({ minSurvivors, minRespondents }: Manifest): string {
  return (
    `Values are masked before they leave the device, so that only the total over at least ${plural(minSurvivors, 'device')} can be opened. ` +
    `A figure to which fewer than ${plural(minRespondents, 'device')} gave a value is not shown.`
  );
}

/** @returns on what {@link maskingText} and noise rest. */
export function trustText({ assumptions }: Pick<Manifest, 'assumptions'>): string {
  return `This holds as long as registrar and coordinator do not work together, and at most ${assumptions.corrupt} in 1,000 devices of a total work with the coordinator.`;
}

/** @returns a sentence or more about the noise, honest if there is none. */
export function noiseText(privacy: Privacy): readonly string[] {
  if (privacy.mechanism === 'none') {
    return [
      'No noise is added: totals are exact. Someone who knows the values of all other devices in a total, or compares totals that differ in a single device, could work out that device’s values.',
    ];
  }
  const { epsilon, neighbours, budget } = privacy;
  const delta = privacy.mechanism === 'skellam' ? privacy.delta : '0';
  const comparison =
    neighbours === 'zero'
      ? 'with this device’s values as with none in their place'
      : 'with this device’s values as with any others in their place';
  return [
    'Every device adds random noise to its values before they leave, so that totals are blurred.',
    `Whatever a total is, it is at most ${factorText(epsilon)} times as likely ${comparison}${exceptText(delta)} (differential privacy: ε = ${epsilon}${deltaText(delta)} for one upload).`,
    `Within any ${plural(budget.days, 'day')}, the device lets its uploads cost at most ε = ${budget.epsilon}${deltaText(budget.delta)} together; then it sends nothing until there is room again.`,
  ];
}

/** What consent taken back does not undo. */
export const FINALITY_TEXT =
  'Turning a group off takes effect at once: what was recorded for it and has not left the device is forgotten. What has already been masked into a total cannot be taken back, because nobody can find it there.';

/** What each party does, and what it never has. */
export const PARTY_TEXTS = {
  publisher: 'Signed this list. Nothing that is not on it leaves the device.',
  registrar:
    'Decides which devices may take part, and certifies who did. It never sees values, masked or not.',
  coordinator: 'Adds up masked values, and can open nothing but the total.',
} as const;

/** @returns e.g. `10 minutes`: exact, in the largest unit that divides it. */
export function durationText(ms: number): string {
  const [unit, lengthMs] = unitOf(ms);
  return plural(ms / lengthMs, unit);
}

const UNITS = [
  ['week', 604_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

const READERS: Readonly<Record<Role, string>> = {
  operator: 'operators of the servers',
  analyst: 'analysts',
  auditor: 'auditors',
  'privacy-officer': 'the privacy officer',
};

/** Lists of categories can hold a thousand; the manifest has all of them. */
const MOST_LISTED = 12;
/** e^10 is 22,027: beyond, a factor is no consolation. */
const MOST_EPSILON_TOLD = 10;

function unitOf(ms: number): readonly [string, number] {
  return UNITS.find(([, lengthMs]) => ms % lengthMs === 0) ?? ['millisecond', 1];
}

/** @returns `an hour`, `a day`, `every 10 minutes`. */
function everyText(ms: number): string {
  const [unit, lengthMs] = unitOf(ms);
  if (ms !== lengthMs) return `every ${durationText(ms)}`;
  return unit === 'hour' ? 'an hour' : `a ${unit}`;
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function joined(parts: readonly string[], last = 'and'): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} ${last} ${parts.at(-1)}`;
}

function withOther(listed: readonly string[]): string {
  const shown = listed.slice(0, MOST_LISTED);
  const left = listed.length - shown.length;
  const more = left === 0 ? [] : [`${left} more that the manifest lists`];
  return joined([...shown, ...more, `“${OTHER_CATEGORY}”`], 'or');
}

function multiSelectText({ options, most }: MultiSelectMetric): string {
  const limit = most < options.length ? ` At most ${most} of them count.` : '';
  return `Any of ${withOther(options)}.${limit}`;
}

function rangeText({ min, max, resolution, unit }: RangeMetric): string {
  return `from ${min} to ${max} ${unit}, in steps of ${resolution}; what lies beyond counts as the nearest end.`;
}

/** @param fraction - decimal string. */
function percentText(fraction: string): string {
  return `${Number((Number(fraction) * 100).toPrecision(6))} %`;
}

/** e^ε, rounded up. */
function factorText(epsilon: string): string {
  if (Number(epsilon) > MOST_EPSILON_TOLD) return `e^${epsilon} (which promises little)`;
  return String(Math.ceil(Math.exp(Number(epsilon)) * 100) / 100);
}

function exceptText(delta: string): string {
  return Number(delta) === 0 ? '' : `, apart from a chance of ${delta}`;
}

function deltaText(delta: string): string {
  return Number(delta) === 0 ? '' : `, δ = ${delta}`;
}
