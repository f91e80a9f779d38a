/**
 * The demo: a registrar, a coordinator and a fleet of devices, each in processes of their own, one round
 * on real input, and the check that only and exactly the sum came out.
 * Knows: the order of things. Doesn't know: protocol, sockets, tables.
 * Invariant: whatever happens, every process it started is ended and its folder is removed.
 */
import { checkReceipt } from '@onlysum/client';
import { OnlysumError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { estimateTotals } from '@onlysum/metrics';
import { compileLayout, dropoutBound, type Layout, type Manifest } from '@onlysum/task';
import { compareLanes, type DeviceRecord, falsify, includedDevices } from './check.js';
import { Children } from './children.js';
import { prepareDump, writeDump } from './dump.js';
import type { Fleet } from './fleet.js';
import { holdRound, type HeldRound, type RoundInput } from './held-round.js';
import { type OpenedResult, survivorPlaces } from './opened-result.js';
import { checkCorruptLane, checkDevices, type DemoOptions } from './options.js';
import { type BrowserVersion, regionVersions } from './population.js';
import { complaints, type Findings, renderReport, type Witness } from './report.js';
import { summarise } from './summary.js';
import { makeWorkspace, type Workspace } from './workspace.js';

/** Exit code of a process that a signal ended, by custom. */
const EXIT_INTERRUPTED = 130;

/**
 * Runs the demo. Signals end it early, cleanly, with exit code 130.
 *
 * @returns the exit code: 0 if every lane of the opened sum is the plain sum over the survivors, else 1.
 * @throws {UsageError} `argument-invalid`; {@link RoundError} `demo-failed` if a part did not do its
 *   work in time, saying which.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  checkDevices(options.devices);
  const versions = regionVersions();
  const task = { devices: options.devices, versions: countedVersions(versions), nowMs: Date.now() };
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Interrupted());
  const children = new Children((error) => stop.abort(error));
  let workspace: Workspace | undefined;
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    workspace = await makeWorkspace(task);
    const layout = compileLayout(workspace.signedManifest.manifest);
    checkCorruptLane(options.corruptLane, layout.lanes.length);
    if (options.dumpDir !== undefined) await prepareDump(options.dumpDir);
    const run = { options, versions, workspace, layout, children, stop };
    return await conclude(run, await holdRound(run));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    options.err.write('interrupted: ending all processes\n');
    return EXIT_INTERRUPTED;
  } finally {
    stop.abort();
    await children.endAll();
    await workspace?.remove();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

class Interrupted extends Error {}

interface Run extends RoundInput {
  readonly layout: Layout;
}

/** Versions that the category counts by name; with the rest as `other`. */
const COUNTED_VERSIONS = 12;

function countedVersions(versions: readonly BrowserVersion[]): string[] {
  return versions.slice(0, COUNTED_VERSIONS).map(({ name }) => name);
}

/** Checks, dumps, and shows. @returns the exit code. */
async function conclude(run: Run, { fleet, plans, result }: HeldRound): Promise<number> {
  const { options, layout, workspace } = run;
  const { manifest } = workspace.signedManifest;
  const { devices: survivors, problems } = includedDevices(fleet.records, survivorPlaces(result));
  const [first] = survivors;
  if (options.corruptLane !== undefined && first !== undefined) falsify(first, options.corruptLane);
  const mismatches = compareLanes(layout, result.lanes, survivors);
  if (options.dumpDir !== undefined) {
    await writeDump(options.dumpDir, fleet.records, survivors, result.lanes);
  }
  const { reports, workerCpuMs, workerDevices } = fleet;
  const measured = { reports, workerCpuMs, workerDevices, mismatchedLanes: mismatches.length };
  const findings: Findings = {
    summary: summarise(result, measured),
    estimates: estimateTotals(manifest, layout, result.lanes, result),
    versions: run.versions,
    drops: plans.flatMap(({ drop }) => (drop === undefined ? [] : [drop])),
    interrupted: plans.filter(({ interruption }) => interruption !== undefined).length,
    threshold: result.attested.t,
    mostDropped: dropoutBound(options.devices, manifest.assumptions.dropout),
    witness: witnessOf(fleet, survivors),
    reports,
    mismatches,
    problems: [
      ...problems,
      ...deviceProblems(fleet, result, manifest),
      ...resumeProblems(plans, fleet),
    ],
  };
  const complaint = complaints(findings);
  if (options.json) options.out.write(`${JSON.stringify(findings.summary)}\n`);
  else options.out.write(renderReport(findings, isTerminal(options.out)));
  for (const line of complaint) options.err.write(`difference: ${line}\n`);
  return complaint.length === 0 ? 0 : 1;
}

/** Devices that failed without being meant to, and receipts that do not hold or say something else. */
function deviceProblems(
  fleet: Fleet,
  result: OpenedResult,
  { registrar, coordinator }: Manifest,
): string[] {
  return fleet.reports.flatMap(({ device, problem, receipt }) => {
    if (problem !== undefined) return [`device ${device} failed: ${problem}`];
    if (receipt === undefined) return [];
    try {
      checkReceipt(receipt, { registrar, coordinator: coordinator.key }, nativeSuite);
    } catch (error) {
      if (!(error instanceof OnlysumError)) throw error;
      return [`the receipt of device ${device} does not hold: ${error.message}`];
    }
    return receipt.evidence.survivorSet === result.attested.survivorSet
      ? []
      : [`the receipt of device ${device} names another set of survivors than the result`];
  });
}

/** A device whose connection was broken on purpose and that did not come back for its place. */
function resumeProblems(plans: HeldRound['plans'], { reports }: Fleet): string[] {
  return plans.flatMap(({ index, interruption }) => {
    if (interruption === undefined) return [];
    const resumes = reports.find(({ device }) => device === index)?.resumes ?? 0;
    // On a machine that is too busy to answer pings, more connections break than planned.
    if (resumes > 0) return [];
    const { when, message } = interruption;
    return [`device ${index}, broken off ${when} ${message}, did not resume`];
  });
}

function witnessOf(fleet: Fleet, survivors: readonly DeviceRecord[]): Witness | undefined {
  for (const { index, vector } of survivors) {
    const receipt = fleet.reports.find(({ device }) => device === index)?.receipt;
    if (receipt !== undefined && vector !== undefined) return { device: index, vector, receipt };
  }
  return undefined;
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
