/** One round without masks: encode, add in the ring, decode. */
import { encodeLanes, findMetric, accumulate, type RecordedValue } from '@onlysum/metrics';
import { compileLayout, decodeLane, type Manifest } from '@onlysum/task';

/** What a device records, by metric; nothing of a group that it declines. */
export interface Device {
  readonly values: Readonly<Record<string, RecordedValue | undefined>>;
  readonly declines?: string;
}

export function sumOf(manifest: Manifest, fleet: readonly Device[]): number[] {
  const layout = compileLayout(manifest);
  const vectors = fleet.map(({ values, declines }) => {
    const recorded = new Map<string, RecordedValue>();
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      recorded.set(name, accumulate(findMetric(manifest, name), undefined, value));
    }
    return encodeLanes({ manifest, layout }, recorded, (group) => group !== declines);
  });
  return layout.lanes.map((lane, i) => {
    const opened = vectors.reduce((sum, lanes) => (sum + (lanes[i] ?? 0)) >>> 0, 0);
    return decodeLane(opened, lane);
  });
}
