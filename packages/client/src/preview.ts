/** What the next submission would hold, for the user to see before it leaves. */
import { encodeLanes, type RecordedValue } from '@onlysum/metrics';
import { messageBytes } from '@onlysum/protocol';
import { honestDevices, type Lane, noiseVariance, type Task, type Window } from '@onlysum/task';
import type { Consent } from './consent.js';
import type { Values } from './recorder.js';

export interface Preview {
  readonly task: { readonly name: string; readonly version: number };
  readonly window: Window;
  /** In the manifest's order. */
  readonly metrics: readonly PreviewMetric[];
  /** The vector before noise and masks, exactly as it would be encoded now. */
  readonly lanes: readonly PreviewLane[];
  /**
   * Size of the packed vector. Its bytes cannot be shown: noise and masks are drawn in the round, and with
   * the masks each is a random one, whatever the values.
   */
  readonly vectorBytes: number;
  /** What all messages of a round come to, which is for as many devices as the task aims at. */
  readonly round: PreviewRound;
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
  /** Undefined for the respondents of a group. */
  readonly metric: string | undefined;
  readonly value: number;
  /** Undefined in a task without noise. */
  readonly noise: LaneNoise | undefined;
}

/** Standard deviations, in a round of `round.devices`. */
export interface LaneNoise {
  /** Of what this device adds. */
  readonly share: number;
  /** Of the sum over all of them. */
  readonly whole: number;
}

export interface PreviewRound {
  /** `cohort.target`. */
  readonly devices: number;
  /**
   * Each message that this device would send, if nobody is lost meanwhile; without the additions of
   * WebSocket and TLS. Every device of a round sends as many bytes, whatever its values.
   */
  readonly messages: readonly { readonly message: string; readonly bytes: number }[];
  readonly bytes: number;
}

export function makePreview(task: Task, values: Values, consent: Consent, window: Window): Preview {
  const { manifest, layout } = task;
  const lanes = encodeLanes(task, values, (group) => consent.isGiven(group));
  const clipped = new Set(
    layout.lanes
      .filter((lane) => lane.role === 'clipped' && lanes[lane.index] === 1)
      .map((lane) => lane.metric),
  );
  const devices = manifest.cohort.target;
  const messages = messageBytes(task, window, devices);
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
    lanes: layout.lanes.map((lane) => ({
      label: lane.label,
      metric: lane.metric,
      value: lanes[lane.index] ?? 0,
      noise: laneNoise(lane, devices, honestDevices(devices, manifest)),
    })),
    vectorBytes: layout.vectorBytes,
    round: { devices, messages, bytes: messages.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}

/** Variances add up: `honest` shares make that of the lane, and all devices add one. */
function laneNoise({ noise }: Lane, devices: number, honest: number): LaneNoise | undefined {
  if (noise === undefined) return undefined;
  const share = noiseVariance(noise) / honest;
  return { share: Math.sqrt(share), whole: Math.sqrt(share * devices) };
}
