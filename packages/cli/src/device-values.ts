/**
 * Values given on the command line, read as the manifest's kinds ask for.
 * Knows: text and kinds. Doesn't know: how values are kept or sent.
 */
import type { Client } from '@onlysum/client';
import { accumulate, findMetric, type RecordedValue } from '@onlysum/metrics';
import type { Manifest, Metric } from '@onlysum/task';
import type { Command } from 'commander';
import type { DeviceFlags } from './device-client.js';
import { invalidFlag, repeated, settingFlag } from './flags.js';

export interface ValueFlags extends DeviceFlags {
  readonly set?: (readonly [string, string])[];
  readonly optIn?: string[];
}

export function addValueFlags(command: Command): Command {
  return command
    .option(
      '--set <name=value>',
      'a value to record; may be repeated, once a metric',
      repeated(settingFlag('--set')),
    )
    .option(
      '--opt-in <group>',
      'an optional consent group to give; may be repeated',
      repeated((group) => group),
    );
}

/**
 * Records what `--set` gave.
 *
 * @throws {UsageError} `flag-invalid`, `metric-unknown`, `value-type`, `value-not-finite`; a value that
 *   would silently stay here is refused too.
 */
export function recordSettings(client: Client, { set = [], optIn = [] }: ValueFlags): void {
  const { manifest } = client.task;
  const seen = new Set<string>();
  for (const [name, text] of set) {
    const metric = findMetric(manifest, name);
    if (seen.has(name)) throw invalidFlag('--set', `${name} once`, `${name}=${text} besides`);
    seen.add(name);
    checkGroup(manifest, metric, optIn);
    const value = valueOf(metric, text);
    // `record` cannot throw, so what it would refuse is refused here.
    accumulate(metric, undefined, value);
    client.record(name, value);
  }
}

function checkGroup(manifest: Manifest, metric: Metric, optIn: readonly string[]): void {
  const group = manifest.groups.find(({ name }) => name === metric.group);
  if (group === undefined || group.essential || optIn.includes(group.name)) return;
  throw invalidFlag(
    '--set',
    `--opt-in ${group.name} with ${metric.name}, which is of that optional group`,
    metric.name,
  );
}

function valueOf(metric: Metric, text: string): RecordedValue {
  const flag = `--set ${metric.name}`;
  switch (metric.kind) {
    case 'category':
    case 'top-k':
    // Refused where it is recorded, with what to record instead.
    case 'cross-tabulation':
      return text;
    case 'multi-select':
      return text === '' ? [] : text.split(',');
    case 'flag':
      if (text === 'true' || text === 'false') return text === 'true';
      throw invalidFlag(flag, 'true or false', text);
    case 'count':
      return number(flag, 'an integer ≥ 0', /^[0-9]+$/, text);
    case 'sum':
    case 'mean':
    case 'variance':
    case 'histogram':
    case 'distribution':
      return number(flag, 'a number', /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/i, text);
  }
}

function number(flag: string, expected: string, form: RegExp, text: string): number {
  if (form.test(text)) return Number(text);
  throw invalidFlag(flag, expected, text);
}
