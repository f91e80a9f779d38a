/**
 * The data inventory of a manifest: one row for every element that leaves a device.
 * Knows: the manifest and its lanes. Doesn't know: files.
 */
import { compileLayout, type Lane, type Manifest, type Metric, noiseVariance } from '@onlysum/task';
import { stringify } from 'csv-stringify/sync';
import { laneWords, plainWords, respondentsWords } from './metric-words.js';
import { shortNumber } from './noise-report.js';

export interface DataElement {
  readonly name: string;
  /** A metric's kind, or `respondents` for how many give a group. */
  readonly kind: Metric['kind'] | 'respondents';
  readonly description: string;
  readonly purpose: string;
  readonly owner: string;
  readonly retentionDays: number;
  readonly group: string;
  /** Whether its group is declined only by leaving the task. */
  readonly essential: boolean;
  readonly access: readonly string[];
  /** What leaves a device. */
  readonly leaves: string;
  /** What the devices of a sum add to it at least. */
  readonly noise: string;
}

/** @throws {UsageError} as `compileLayout`. */
export function inventoryOf(manifest: Manifest): readonly DataElement[] {
  const { lanes } = compileLayout(manifest);
  return manifest.groups.flatMap(({ name: group, purpose, essential }) => {
    const own = lanes.filter((lane) => lane.group === group);
    const metrics = manifest.metrics.filter((metric) => metric.group === group);
    const respondents = own.filter(({ metric }) => metric === undefined);
    return [
      {
        name: `${group}.respondents`,
        kind: 'respondents' as const,
        description: respondentsWords(),
        purpose,
        // Whoever has to do with one of its metrics needs it.
        owner: [...new Set(metrics.map(({ owner }) => owner))].join('; '),
        retentionDays: Math.max(...metrics.map(({ retentionDays }) => retentionDays)),
        group,
        essential,
        access: [...new Set(metrics.flatMap(({ access }) => access))],
        leaves: laneWords(respondents),
        noise: noiseWords(respondents),
      },
      ...metrics.map((metric) => {
        const { name, kind, purpose, owner, retentionDays, access } = metric;
        const description = plainWords(metric);
        const its = own.filter((lane) => lane.metric === name);
        const [leaves, noise] = [laneWords(its), noiseWords(its)];
        const about = { name, kind, description, purpose, owner, retentionDays, group, essential };
        return { ...about, access, leaves, noise };
      }),
    ];
  });
}

/**
 * RFC 4180, with a line of names. What a spreadsheet would take for a formula begins with an apostrophe,
 * which it does not show.
 */
export function inventoryCsv(elements: readonly DataElement[]): string {
  return stringify(
    elements.map((element) => ({ ...element, access: element.access.join(', ') })),
    {
      header: true,
      columns: [
        ...['name', 'kind', 'description', 'purpose', 'owner', 'retentionDays', 'group'],
        ...['essential', 'access', 'leaves', 'noise'],
      ],
      record_delimiter: 'windows',
      escape_formulas: true,
      cast: { boolean: (value) => (value ? 'yes' : 'no') },
    },
  );
}

function noiseWords(lanes: readonly Lane[]): string {
  const scales = [...new Set(lanes.map(({ noise }) => noise))];
  const words = scales.map((scale) =>
    scale === undefined
      ? 'none'
      : `${scale.mechanism} of deviation ${shortNumber(Math.sqrt(noiseVariance(scale)))}`,
  );
  return words.join(', ');
}
