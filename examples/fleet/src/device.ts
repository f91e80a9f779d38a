/**
 * One device of the fleet: a real client on a real socket, with an input of its own.
 * Knows: how a host uses the client. Doesn't know: processes, the other devices.
 */
import { memoryStore } from '@onlysum/client';
import { createClient, nodeTransport } from '@onlysum/client/node';
import { nativeSuite } from '@onlysum/crypto/node';
import { encodeLanes } from '@onlysum/metrics';
import type { Task } from '@onlysum/task';
import { fleetTransport } from './fleet-transport.js';
import { measuredValues } from './measurements.js';
import type { DevicePlan, DeviceReport, FromWorker, WorkerSetup } from './worker-messages.js';

/** What the devices of one process share. */
export interface DeviceHost {
  readonly setup: WorkerSetup;
  readonly task: Task;
  readonly report: (message: FromWorker) => void;
}

export interface EnrolledDevice {
  /** In a round, or past it. */
  readonly arrived: Promise<void>;
  /** Resolves when the device has a receipt or has dropped; never rejects. */
  submit(): Promise<DeviceReport>;
}

/** Makes the client and enrols it; both together are the start-up time it will report. */
export async function enrolDevice(plan: DevicePlan, host: DeviceHost): Promise<EnrolledDevice> {
  const { setup, report } = host;
  const device = plan.index;
  /** Aborted when the device drops: what would have been its resume is not waited for. */
  const gone = new AbortController();
  let arrive = (): void => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const { transport, counts } = fleetTransport(nodeTransport, plan, {
    onOffered: () => arrive(),
    onSeated: (place) => report({ kind: 'seated', device, place }),
    onMasked: (vector) => report({ kind: 'masked', device, vector }),
    onKillPoint: () => report({ kind: 'kill-me', device }),
    onCut: () => gone.abort(),
  });
  const startedAt = performance.now();
  const client = await createClient({
    manifest: setup.signedManifest,
    publisherKey: setup.publisherKey,
    registrarUrl: setup.registrarUrl,
    store: memoryStore(),
    suite: nativeSuite,
    transport,
    consent: plan.consent,
    offerTimeoutMs: setup.submitTimeoutMs,
  });
  await client.enrol(plan.code);
  const startupMs = performance.now() - startedAt;
  report({ kind: 'enrolled', device });

  const submit = async (): Promise<DeviceReport> => {
    const values = measuredValues(plan, startupMs, setup.devices.length);
    for (const [metric, value] of values) client.record(metric, value);
    report({ kind: 'input', device, lanes: plainLanes(host.task, values, plan) });
    const submittedAt = performance.now();
    // One attempt: the round is to go on without those that drop.
    const { signal } = gone;
    const limits = { attempts: 1, timeoutMs: setup.submitTimeoutMs, signal };
    const outcome = await client.submit(limits).then(
      (receipt) => ({ receipt, problem: undefined }),
      (error: unknown) => ({
        receipt: undefined,
        problem: signal.aborted ? undefined : String(error),
      }),
    );
    arrive();
    const submitMs = performance.now() - submittedAt;
    await client.close();
    return { device, ...outcome, submitMs, ...counts };
  };
  return { arrived, submit };
}

/** What the client should mask, made without the client. */
function plainLanes(
  task: Task,
  values: ReturnType<typeof measuredValues>,
  { consent }: DevicePlan,
): number[] {
  const essential = task.manifest.groups.filter((group) => group.essential);
  const given = new Set([...essential.map(({ name }) => name), ...consent]);
  return [...encodeLanes(task, values, (group) => given.has(group))];
}
