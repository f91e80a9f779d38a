/**
 * A task as a vendor of an editor would have it, and windows of it, estimated from what an invented fleet
 * recorded. Numbers come from the encoders, the samplers of noise and the estimators, never by hand.
 */
import { unsafeSeededRng } from '@onlysum/crypto';
import { drawNoise, estimateTotals, type WindowResult } from '@onlysum/metrics';
import {
  compileLayout,
  type Manifest,
  type Metric,
  parseManifest,
  type Privacy,
} from '@onlysum/task';
import { everyKind } from '../../../test/metrics/every-kind.js';
import { type Device, sumOf } from '../../../test/metrics/sum.js';

export const SKELLAM: Privacy = {
  mechanism: 'skellam',
  epsilon: '2',
  delta: '0.0000001',
  neighbours: 'zero',
  budget: { epsilon: '8', delta: '0.00001', days: 90 },
};
export const WINDOW_MS = 7 * 86_400_000;

const about = {
  owner: 'Desktop team <desktop@acme.example>',
  retentionDays: 180,
  access: ['analyst', 'privacy-officer'] as const,
};
const essential = { ...about, group: 'essential' };
const performance = { ...about, group: 'performance' };

const METRICS: readonly Metric[] = [
  {
    ...essential,
    kind: 'category',
    name: 'app_version',
    purpose: 'See which versions run, to know when an old one may be given up.',
    categories: ['4.0', '4.1', '4.2', '5.0'],
  },
  {
    ...essential,
    kind: 'flag',
    name: 'licence_active',
    purpose: 'Count active licences.',
  },
  {
    ...essential,
    kind: 'category',
    name: 'system',
    purpose: 'Decide which systems to test on.',
    categories: ['Windows', 'macOS', 'Linux'],
  },
  {
    ...essential,
    kind: 'cross-tabulation',
    name: 'version_by_system',
    purpose: 'Find systems that stay on old versions.',
    rows: 'app_version',
    columns: 'system',
  },
  {
    ...performance,
    kind: 'multi-select',
    name: 'features_used',
    purpose: 'See which features are used at all.',
    options: ['search', 'macros', 'export', 'terminal'],
    most: 3,
  },
  {
    ...performance,
    kind: 'top-k',
    name: 'file_type',
    purpose: 'Choose which file types get better support first.',
    candidates: ['json', 'markdown', 'typescript', 'python', 'rust', 'go', 'yaml', 'html'],
    k: 5,
  },
  {
    ...performance,
    kind: 'distribution',
    name: 'startup_ms',
    purpose: 'Find slow starts.',
    min: '50',
    max: '10000',
    relativeError: '0.1',
    unit: 'ms',
  },
  {
    ...performance,
    kind: 'histogram',
    name: 'memory_mb',
    purpose: 'Keep memory in bounds.',
    edges: ['0', '128', '256', '512', '1024', '2048', '4096'],
    unit: 'MB',
  },
  {
    ...performance,
    kind: 'mean',
    name: 'open_files',
    purpose: 'Size caches.',
    min: '0',
    max: '100',
    resolution: '1',
    unit: '1',
  },
  {
    ...performance,
    kind: 'count',
    name: 'crashes',
    purpose: 'See whether a release crashes more.',
    max: 10,
  },
  {
    ...performance,
    kind: 'variance',
    name: 'frame_ms',
    purpose: 'See whether scrolling is even.',
    min: '0',
    max: '64',
    resolution: '1',
    unit: 'ms',
  },
  {
    ...performance,
    kind: 'flag',
    name: 'beta_channel',
    purpose: 'See who gets early releases.',
  },
  {
    ...performance,
    kind: 'count',
    name: 'support_contacts',
    purpose: 'Plan support.',
    max: 5,
    access: ['privacy-officer'],
  },
];

/** @param privacy - noise, or none. */
export function editorTask(privacy: Privacy = SKELLAM): Manifest {
  const devices = FLEET * EACH_STANDS_FOR;
  return parseManifest({
    ...everyKind(),
    name: 'editor-telemetry',
    version: 3,
    coordinator: { ...everyKind().coordinator, url: 'wss://sum.acme.example/v1' },
    window: { lengthMs: WINDOW_MS },
    epoch: { lengthMs: 4 * WINDOW_MS },
    cohort: { min: 1_000, target: devices, max: 10_000 },
    minRespondents: 500,
    privacy,
    groups: [
      {
        name: 'essential',
        purpose: 'Know that licences and versions are in order.',
        essential: true,
      },
      { name: 'performance', purpose: 'Make the editor faster and more stable.', essential: false },
    ],
    metrics: METRICS,
  });
}

const FLEET = 300;
/** One round of so many would take long to encode; sums are linear. */
const EACH_STANDS_FOR = 16;

/** @param index - of the window; the fleet moves on to newer versions and starts faster. */
export function estimatesOf(manifest: Manifest, index: number): WindowResult {
  const layout = compileLayout(manifest);
  const rng = unsafeSeededRng(`window ${index}`);
  const random = (): number => {
    const [a = 0, b = 0, c = 0] = rng(3);
    return (a + b / 256 + c / 65_536) / 256;
  };
  const pick = (names: readonly string[], weights: readonly number[]): string => {
    let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
    return names.find((_, i) => (left -= weights[i] ?? 0) < 0) ?? 'other';
  };
  const fleet = Array.from({ length: FLEET }, (): Device => {
    const system = pick(['Windows', 'macOS', 'Linux', 'other'], [58, 24, 16, 2]);
    const age = Math.max(1, 12 - index + (system === 'Linux' ? 4 : 0));
    const spread = random() + random() + random();
    return {
      values: {
        app_version: pick(['4.0', '4.1', '4.2', '5.0', 'other'], [age, 2 * age, 30, 4 * index, 1]),
        licence_active: random() < 0.93,
        system,
        features_used: ['search', 'macros', 'export', 'terminal'].filter(
          (_, i) => random() < ([0.8, 0.12, 0.35, 0.5][i] ?? 0),
        ),
        file_type: pick(
          ['json', 'markdown', 'typescript', 'python', 'rust', 'go', 'yaml', 'html', 'other'],
          [18, 15, 22, 17, 5, 5, 8, 6, 4],
        ),
        startup_ms: Math.round(90 * Math.exp(spread * (1.35 - 0.02 * index))),
        memory_mb: Math.round(100 * Math.exp(spread)),
        open_files: Math.round(40 * random() + index / 2),
        crashes: random() < 0.08 ? 1 + Math.floor(3 * random()) : 0,
        frame_ms: Math.round(8 + 12 * spread),
        // Too few give this one.
        ...(random() < 0.05 ? { beta_channel: true } : {}),
        support_contacts: random() < 0.05 ? 1 : 0,
      },
      ...(random() < 0.22 ? { declines: 'performance' } : {}),
    };
  });
  const sums = sumOf(manifest, fleet).map((sum) => sum * EACH_STANDS_FOR);
  // One device that carries the whole target: with n − D − A = n here, that is all shares together.
  const noise = drawNoise(layout.lanes, 1, rng);
  const devices = FLEET * EACH_STANDS_FOR;
  return estimateTotals(
    manifest,
    layout,
    sums.map((sum, i) => sum + (noise[i] ?? 0)),
    { devices, survivors: devices },
  );
}
