/**
 * What the demo shows at its end. Knows: tables and words. Doesn't know: how anything was found out.
 */
import type { SubmitReceipt } from '@onlysum/client';
import type {
  CountResult,
  MetricResult,
  SumResult,
  SuppressedResult,
  WindowResult,
} from '@onlysum/metrics';
import Table from 'cli-table3';
import pico from 'picocolors';
import { histogramChart } from './chart.js';
import type { LaneMismatch } from './check.js';
import type { PlannedDrop } from './drops.js';
import { countText, estimateText, rounded, suppressedText } from './estimate-text.js';
import { COMPLIANCE_DAYS, REGION, type BrowserVersion } from './population.js';
import { type DemoSummary, mean } from './summary.js';
import type { DeviceReport } from './worker-messages.js';

/** One device that stayed to the end, as the coordinator and as its user see it. */
export interface Witness {
  readonly device: number;
  /** The masked vector as it left, hex. */
  readonly vector: string;
  readonly receipt: SubmitReceipt;
}

/** The data's licence, CC BY 4.0, wants it named. */
const SOURCE = `Each device drew its version by the shares of page views in ${REGION} (caniuse-lite, CC BY 4.0).`;

export interface Findings {
  readonly summary: DemoSummary;
  readonly estimates: WindowResult;
  readonly versions: readonly BrowserVersion[];
  readonly drops: readonly PlannedDrop[];
  /** Connections that were to break and be resumed. */
  readonly interrupted: number;
  readonly threshold: number;
  readonly mostDropped: number;
  readonly witness: Witness | undefined;
  readonly reports: readonly DeviceReport[];
  readonly mismatches: readonly LaneMismatch[];
  readonly problems: readonly string[];
}

export function renderReport(findings: Findings, isColoured: boolean): string {
  const { bold, green, red } = pico.createColors(isColoured && pico.isColorSupported);
  const isRight = findings.mismatches.length === 0 && findings.problems.length === 0;
  const section = (title: string, body: string): string => `${bold(title)}\n${body}\n`;
  return [
    section('What the vendor learns: versions', versionTable(findings)),
    section('What the vendor learns: totals', metricTable(findings.estimates)),
    section('Start-up time', startupChart(findings.estimates)),
    section('Who took part', roundTable(findings)),
    ...(findings.witness === undefined ? [] : witnessSections(findings.witness, section)),
    section('Cost', costTable(findings)),
    (isRight ? green : red)(bold(verdict(findings))),
    '',
  ].join('\n');
}

/** Of each kind of complaint. */
const MOST_TOLD = 10;

/** What is wrong, one line each; none if the sum is right. */
export function complaints({ mismatches, problems }: Findings): string[] {
  const shown = mismatches.slice(0, MOST_TOLD).map(({ lane, label, opened, expected }) => {
    return `lane ${lane} (${label}): the opened sum is ${opened}, the plain sum is ${expected}`;
  });
  const told = problems.slice(0, MOST_TOLD);
  const rest = mismatches.length + problems.length - shown.length - told.length;
  return [...told, ...shown, ...(rest > 0 ? [`and ${rest} more`] : [])];
}

function versionTable({ estimates, versions, summary }: Findings): string {
  const metric = estimates.metrics['version'];
  if (metric?.kind !== 'category') return '';
  if ('suppressed' in metric) return suppressedText(metric);
  const shares = new Map(versions.map(({ name, share }) => [name, share]));
  const named = metric.categories.reduce((sum, { name }) => sum + (shares.get(name) ?? 0), 0);
  const rows = metric.categories.map(({ name, count }) => [
    name,
    countText(count),
    percent(count.value / Math.max(1, summary.survivors)),
    percent(shares.get(name) ?? 1 - named),
  ]);
  const counts = table(['version', 'devices', 'of the fleet', `in ${REGION}`], rows, [1, 2, 3]);
  return `${counts}\n${SOURCE}`;
}

function metricTable({ metrics, groups, survivors }: WindowResult): string {
  const rows = Object.entries(metrics).flatMap(([name, metric]) => {
    const cells = metricCells(metric);
    return cells === undefined ? [] : [[name, ...cells]];
  });
  const respondents = Object.entries(groups).map(([name, group]) => {
    if ('suppressed' in group) return [`group ${name}`, suppressedText(group), '', ''];
    const count = countText(group.respondents);
    return [`group ${name}`, `${count} of ${survivors} devices gave it`, count, ''];
  });
  return table(['metric', 'total', 'reported', 'clipped'], [...rows, ...respondents], [2, 3]);
}

/** Undefined for those that have a table or a chart of their own. */
function metricCells(metric: MetricResult | SuppressedResult): string[] | undefined {
  if ('suppressed' in metric) return [suppressedText(metric), '', ''];
  switch (metric.kind) {
    case 'flag': {
      const part = metric.share.value === null ? '' : ` (${percent(metric.share.value)})`;
      const rule = `with a version at most ${COMPLIANCE_DAYS} days old`;
      return [`${countText(metric.yes)}${part} ${rule}`, countText(metric.reported), ''];
    }
    case 'count':
      return [
        `${estimateText(metric.total)}, ${estimateText(metric.mean)} each`,
        ...reportedCells(metric),
      ];
    case 'sum':
      return [
        `${estimateText(metric.total)} ${metric.unit}, ${estimateText(metric.mean)} each`,
        ...reportedCells(metric),
      ];
    case 'mean':
      return [`${estimateText(metric.mean)} ${metric.unit} on average`, ...reportedCells(metric)];
    default:
      return undefined;
  }
}

function reportedCells({ reported, clipped }: CountResult | SumResult): string[] {
  return [countText(reported), countText(clipped)];
}

function startupChart({ metrics }: WindowResult): string {
  const metric = metrics['startup_ms'];
  if (metric?.kind !== 'histogram') return '';
  return 'suppressed' in metric ? suppressedText(metric) : histogramChart(metric).join('\n');
}

function roundTable({ summary, drops, interrupted, threshold, mostDropped }: Findings): string {
  const { total, ...stages } = summary.dropped;
  const killed = drops.filter(({ how }) => how === 'kill').length;
  const how = killed === 0 ? '' : `, ${killed} of them by killing its process`;
  const rows = [
    ['devices in the attested roster', String(summary.devices)],
    ['survivors: in the sum', String(summary.survivors)],
    ['  of them silent after their masked input', String(summary.silentAfterMasked)],
    ['dropped: not in the sum', String(total)],
    ...Object.entries(stages).map(([stage, count]) => [`  in stage ${stage}`, String(count)]),
    ['broken connections that were resumed', `${summary.resumed}, ${interrupted} planned`],
    ['planned drops of all kinds', `${drops.length}${how}`],
    ['most that may drop (D)', String(mostDropped)],
    ['shares needed for a recovery (t)', String(threshold)],
  ];
  return table(['', ''], rows, []);
}

function witnessSections(
  { device, vector, receipt }: Witness,
  section: (title: string, body: string) => string,
): string[] {
  const lines = vector.match(/.{1,80}/g) ?? [];
  const { evidence, window } = receipt;
  const rows = [
    ['task', `${receipt.task.name} version ${receipt.task.version}`],
    ['window', new Date(window.startMs).toISOString()],
    ['round', receipt.round],
    ['groups given', receipt.groups.join(', ')],
    ['in the sum', receipt.included ? 'yes' : 'no'],
    ['among', `${receipt.survivors} survivors of ${receipt.devices} devices`],
    ['roster root', evidence.root],
    ['signed by the registrar', `${evidence.survivorSetSignature.slice(0, 48)}…`],
    ['checked', 'roster, U2 and U3: all three signatures hold'],
  ];
  return [
    section(
      `What the coordinator received of device ${device}: ${vector.length / 2} masked bytes`,
      lines.map((line) => `  ${line}`).join('\n'),
    ),
    section(`The receipt of device ${device}`, table(['', ''], rows, [])),
  ];
}

function costTable({ summary, reports }: Findings): string {
  const stayed = reports.filter(({ receipt }) => receipt !== undefined);
  const rows = [
    ['bytes up, a device', String(summary.bytesUpPerDevice)],
    ['bytes down, a device', String(summary.bytesDownPerDevice)],
    ['from submit to receipt, a device', `${rounded(mean(stayed.map((r) => r.submitMs)))} ms`],
    ['CPU, a device', `${summary.deviceCpuMs} ms`],
    ['CPU, coordinator', `${summary.coordinatorCpuMs} ms`],
    ['round, from full cohort to opened sum', `${summary.roundMs} ms`],
  ];
  return table(['', ''], rows, [1]);
}

function verdict({ summary, mismatches, problems }: Findings): string {
  const { lanes, survivors } = summary;
  if (mismatches.length > 0) {
    return `✗ ${mismatches.length} of ${lanes} lanes differ from the plain sum over ${survivors} survivors`;
  }
  if (problems.length > 0) return `✗ the sums agree, but not all else does (${problems.length})`;
  return `✓ all ${lanes} lanes equal the plain sum over ${survivors} survivors`;
}

/** @param numeric - columns set flush right. */
function table(head: string[], rows: readonly string[][], numeric: readonly number[]): string {
  const grid = new Table({
    head: head.every((cell) => cell === '') ? [] : head,
    colAligns: head.map((_, column) => (numeric.includes(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  grid.push(...rows);
  return grid.toString();
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
