/** What the columns and metrics of a task's results mean. Knows: the manifest. Doesn't know: results. */
import type { Manifest } from '@onlysum/task';
import type { InferOutput } from 'valibot';
import type { Cell } from './csv.js';
import { unitOf } from './known-tasks.js';
import type * as schema from './schema.js';
import { COLUMNS, STATISTICS } from './tidy-rows.js';

export type Dictionary = InferOutput<typeof schema.dictionary>;

export function dictionaryOf({ metrics }: Manifest): Dictionary {
  return {
    columns: Object.entries(COLUMNS).map(([name, [type, meaning]]) => ({ name, type, meaning })),
    metrics: metrics.map((metric) => {
      const { name, kind, group, purpose, owner, retentionDays, access } = metric;
      const statistics = Object.entries(STATISTICS[kind]).map(([name, meaning]) => {
        return { name, meaning };
      });
      const facts = { name, kind, unit: unitOf(metric) ?? null, group, purpose, owner };
      return { ...facts, retentionDays, access: [...access], statistics };
    }),
  };
}

/** One line a column, a metric and a statistic of a metric, after the names. */
export function dictionaryCells({ columns, metrics }: Dictionary): Cell[][] {
  const names = [
    'entry',
    'name',
    'of',
    'type',
    'unit',
    'meaning',
    'group',
    'owner',
    'retentionDays',
  ];
  return [
    names,
    ...columns.map(({ name, type, meaning }) => {
      return ['column', name, null, type, null, meaning, null, null, null];
    }),
    ...metrics.flatMap((metric) => {
      const { name, kind, unit, purpose, group, owner, retentionDays, statistics } = metric;
      return [
        ['metric', name, null, kind, unit, purpose, group, owner, retentionDays],
        ...statistics.map((each) => {
          return ['statistic', each.name, name, null, null, each.meaning, null, null, null];
        }),
      ];
    }),
  ];
}
