/** What the next submission would hold, for the user to see before it leaves. */
import { encodeLanes, type RecordedValue } from '@onlysum/metrics';
import type { Task, Window } from '@onlysum/task';
import type { Consent } from './consent.js';
import type { Values } from './recorder.js';

export interface Preview {
  readonly task: { readonly name: string; readonly version: number };
  readonly window: Window;
  /** In the manifest's order. */
  readonly metrics: readonly PreviewMetric[];
  /** The vector before masking, exactly as it would be encoded now. */
  readonly lanes: readonly PreviewLane[];
  /** Size of the masked vector. */
  readonly vectorBytes: number;
}

export interface PreviewMetric {
  readonly name: string;
  readonly kind: string;
  readonly purpose: string;
  readonly group: string;
  /** Whether the group is given; if not, nothing of it is kept or sent. */
  readonly consented: boolean;
  /** Whether a value would be sent: there is one, and the group is given. */
  readonly included: boolean;
  /** Undefined if nothing was recorded: the metric is then not reported. */
  readonly value: RecordedValue | undefined;
  /** Whether the value lies outside the metric's range and is sent as its nearest end. */
  readonly clipped: boolean;
}

export interface PreviewLane {
  readonly label: string;
  readonly value: number;
}

export function makePreview(task: Task, values: Values, consent: Consent, window: Window): Preview {
  const { manifest, layout } = task;
  const lanes = encodeLanes(task, values, (group) => consent.isGiven(group));
  const clipped = new Set(
    layout.lanes
      .filter((lane) => lane.role === 'clipped' && lanes[lane.index] === 1)
      .map((lane) => lane.metric),
  );
  return {
    task: { name: manifest.name, version: manifest.version },
    window,
    metrics: manifest.metrics.map(({ name, kind, purpose, group }) => ({
      name,
      kind,
      purpose,
      group,
      consented: consent.isGiven(group),
      included: consent.isGiven(group) && values.has(name),
      value: values.get(name),
      clipped: clipped.has(name),
    })),
    lanes: layout.lanes.map(({ label, index }) => ({ label, value: lanes[index] ?? 0 })),
    vectorBytes: layout.vectorBytes,
  };
}
