/**
 * One round, from starting processes to the coordinator's result and the devices' receipts.
 * Knows: which process must be there before which. Doesn't know: what the result must be.
 * Invariant: every wait has a limit, and its error says what was awaited.
 */
import { randomInt } from 'node:crypto';
import { RoundError } from '@onlysum/crypto';
import { dropCount } from './assumptions.js';
import { type Child, type Children, type Command, firstJson } from './children.js';
import { planDrops } from './drops.js';
import { Fleet } from './fleet.js';
import { planInterruptions } from './interruptions.js';
import { OPTIONAL_GROUP } from './manifest.js';
import { firstResult, type OpenedResult } from './opened-result.js';
import type { DemoOptions } from './options.js';
import { type BrowserVersion, drawVersions } from './population.js';
import { within } from './waiting.js';
import type { DevicePlan } from './worker-messages.js';
import type { Workspace } from './workspace.js';

export interface RoundInput {
  readonly options: DemoOptions;
  readonly versions: readonly BrowserVersion[];
  readonly workspace: Workspace;
  readonly children: Children;
  /** Aborted when the demo cannot or must not go on. */
  readonly stop: AbortController;
}

export interface HeldRound {
  readonly fleet: Fleet;
  readonly plans: readonly DevicePlan[];
  readonly result: OpenedResult;
}

/** @throws {RoundError} `demo-failed`, or the reason for which `stop` was aborted. */
export async function holdRound(input: RoundInput): Promise<HeldRound> {
  const { options, workspace, children, stop } = input;
  const { signal } = stop;
  const { devices } = options;
  const progress = progressTo(options.err);
  const limitMs = 2 * START_LIMIT_MS + devices * LIMIT_PER_DEVICE_MS;
  const { registrarUrl, codes } = await startServers(input, progress);
  const plans = planDevices(input, codes);
  const fleet = new Fleet(plans, children, {
    onProgress: progress,
    onFailure: (error) => stop.abort(error),
  });
  const { signedManifest, resultsDirectory } = workspace;
  const setup = {
    signedManifest,
    publisherKey: signedManifest.manifest.publisher,
    registrarUrl,
    submitTimeoutMs: limitMs,
  };
  await within('every device to enrol', limitMs, signal, fleet.enrol(setup));
  progress(`${devices} devices in ${fleet.processes} processes have enrolled`);
  await within('every device to end its round', limitMs, signal, fleet.submit());
  checkSomeoneStayed(fleet);
  const opened = firstResult(resultsDirectory, signal);
  const result = await within('the sum, after the round', RESULT_LIMIT_MS, signal, opened);
  progress(`the sum over ${result.survivors} of ${result.devices} devices is open`);
  return { fleet, plans, result };
}

const START_LIMIT_MS = 30_000;
/** Devices hear of the end before the file is written. */
const RESULT_LIMIT_MS = 10_000;
/** Of all stages together; see the durations of the stages. */
const LIMIT_PER_DEVICE_MS = 500;
/** Every so manieth device does not give the optional group. */
const DECLINING_EACH = 16;

async function startServers(
  { options, workspace, children, stop: { signal } }: RoundInput,
  progress: (text: string) => void,
): Promise<{ readonly registrarUrl: string; readonly codes: readonly string[] }> {
  const command = (...args: string[]): Command => ({
    cliPath: options.cliPath,
    args: [...args, '--json'],
    cwd: workspace.directory,
  });
  const answer = (child: Child): Promise<Answer> =>
    within(`${child.name} to answer`, START_LIMIT_MS, signal, firstJson(child)) as Promise<Answer>;
  const registrar = children.server('the registrar', command('registrar'));
  const coordinator = children.server('the coordinator', command('coordinator'));
  const [first, second] = await Promise.all([answer(registrar), answer(coordinator)]);
  const registrarUrl = expected(registrar, first.listening);
  progress(`registrar listens on ${registrarUrl} (process ${registrar.process.pid})`);
  const coordinatorUrl = expected(coordinator, second.listening);
  progress(`coordinator listens on ${coordinatorUrl} (process ${coordinator.process.pid})`);
  const count = String(options.devices);
  const maker = children.task(
    'the maker of codes',
    command('registrar', 'codes', '--count', count),
  );
  const { codes } = await answer(maker);
  return { registrarUrl, codes: expected(maker, codes) };
}

/** What the commands print with `--json`, as far as it is read here. */
interface Answer {
  readonly listening?: string;
  readonly codes?: readonly string[];
}

function expected<T>({ name }: Child, value: T | undefined): T {
  if (value === undefined) throw new RoundError('demo-failed', `${name} answered something else`);
  return value;
}

/** A round that was aborted leaves no result to wait for, but a reason. */
function checkSomeoneStayed({ reports }: Fleet): void {
  if (reports.some(({ receipt }) => receipt !== undefined)) return;
  const problem = reports.find((report) => report.problem !== undefined)?.problem;
  throw new RoundError('demo-failed', `no device got a receipt: ${problem ?? 'all dropped'}`);
}

function planDevices(
  { options: { devices }, versions }: RoundInput,
  codes: readonly string[],
): DevicePlan[] {
  const drops = planDrops(devices, dropCount(devices));
  const interruptions = planInterruptions(devices, drops);
  const drawn = drawVersions(versions, devices, () => randomInt(2 ** 32) / 2 ** 32);
  return drawn.map(({ name, compliant }, index) => ({
    index,
    code: codes[index] ?? '',
    version: name,
    compliant,
    consent: index % DECLINING_EACH === 1 ? [] : [OPTIONAL_GROUP],
    drop: drops.find(({ device }) => device === index),
    interruption: interruptions.find(({ device }) => device === index),
  }));
}

function progressTo(err: NodeJS.WritableStream): (text: string) => void {
  const startedAt = performance.now();
  return (text) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    err.write(`${seconds.padStart(5)} s  ${text}\n`);
  };
}
