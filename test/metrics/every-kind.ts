/** A manifest with a metric of every kind, for tests of encodings and estimates. */
import { type Manifest, parseManifest } from '@onlysum/task';
import vectors from '../vectors/v1/manifest.json' with { type: 'json' };

const about = { purpose: 'p', owner: 'o', retentionDays: 1, access: ['analyst'] as const };
const basic = { ...about, group: 'basic' };
const extra = { ...about, group: 'extra' };

/** A round of the whole cohort, of which nobody needs to be corrupt or to drop. */
export const DEVICES = 400;

/** Group `basic` is essential, `extra` is not. */
export function everyKind(changes: Partial<Manifest> = {}): Manifest {
  const manifest: Manifest = {
    ...(vectors.manifest as unknown as Manifest),
    cohort: { min: DEVICES, target: DEVICES, max: DEVICES },
    minSurvivors: 2,
    assumptions: { corrupt: 0, dropout: 0, population: 0 },
    minRespondents: 1,
    privacy: { mechanism: 'none' },
    groups: [
      { name: 'basic', purpose: 'p', essential: true },
      { name: 'extra', purpose: 'p', essential: false },
    ],
    metrics: [
      { ...basic, name: 'licensed', kind: 'flag' },
      { ...basic, name: 'version', kind: 'category', categories: ['1.0', '1.1', '2.0'] },
      { ...basic, name: 'os', kind: 'category', categories: ['linux', 'windows'] },
      { ...basic, name: 'pair', kind: 'cross-tabulation', rows: 'version', columns: 'os' },
      { ...basic, name: 'model', kind: 'top-k', candidates: ['a', 'b', 'c', 'd', 'e'], k: 2 },
      {
        ...basic,
        name: 'features',
        kind: 'multi-select',
        options: ['sync', 'export', 'search', 'print'],
        most: 2,
      },
      { ...extra, name: 'crashes', kind: 'count', max: 20 },
      { ...extra, name: 'disk', kind: 'sum', min: '0', max: '50', resolution: '0.5', unit: 'GB' },
      { ...extra, name: 'heat', kind: 'mean', min: '-40', max: '60', resolution: '0.5', unit: 'C' },
      {
        ...extra,
        name: 'load',
        kind: 'variance',
        min: '-2',
        max: '8',
        resolution: '0.5',
        unit: '1',
      },
      { ...extra, name: 'start', kind: 'histogram', edges: ['-5', '0', '2.5', '9'], unit: 's' },
      {
        ...extra,
        name: 'latency',
        kind: 'distribution',
        min: '1',
        max: '500',
        relativeError: '0.2',
        unit: 'ms',
      },
    ],
    ...changes,
  };
  return parseManifest(manifest);
}
