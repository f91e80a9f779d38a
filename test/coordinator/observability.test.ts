/** What a coordinator says of its work: /metrics, /readyz, /healthz and the log, over real HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CoordinatorHealth, httpRegistrar, type Readiness } from '@onlysum/coordinator';
import { hello, maskedInput } from '@onlysum/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../e2e/free-port.js';
import {
  enrolDevices,
  type Fleet,
  runDevice,
  runDevices,
  type StartOptions,
  startFleet,
  until,
} from './wire-fleet.js';

const fleets: Fleet[] = [];
afterEach(async () => {
  await Promise.all(fleets.splice(0).map(({ coordinator }) => coordinator.close()));
});

async function start(options: StartOptions = {}): Promise<Fleet> {
  const coordinator = { metrics: true, ...options.coordinator };
  const fleet = await startFleet({ ...options, coordinator });
  fleets.push(fleet);
  return fleet;
}

function get({ coordinator }: Fleet, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${coordinator.port}${path}`);
}

async function metricsOf(fleet: Fleet): Promise<string[]> {
  const response = await get(fleet, '/metrics');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain');
  return (await response.text()).split('\n');
}

/** The sum of a series over all labels that `parts` leaves open. */
function valueOf(lines: readonly string[], name: string, ...parts: string[]): number {
  return lines
    .filter((line) => line.startsWith(`onlysum_coordinator_${name}{`))
    .filter((line) => parts.every((part) => line.includes(part)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Five of six devices survive: one breaks off instead of its masked input. */
async function roundWithOneLost(): Promise<Fleet> {
  const fleet = await start({ cohort: { min: 3, target: 6, max: 6 } });
  const identities = await enrolDevices(fleet, 6);
  await runDevices(fleet, identities, (i) => ({
    tamper: (type, bytes, { socket }) => {
      if (i !== 2 || type !== maskedInput.type) return [bytes];
      socket.terminate();
      return [];
    },
  }));
  await until(() => fleet.results.length === 1);
  return fleet;
}

describe('/metrics', () => {
  it('counts a round: outcome, stages, cohort, drops, bytes, response and answers', async () => {
    const fleet = await roundWithOneLost();
    const lines = await metricsOf(fleet);
    const { name } = fleet.task.manifest;
    const task = `task="${name}"`;
    expect(valueOf(lines, 'rounds_total', task, 'outcome="opened"')).toBe(1);
    for (const stage of ['gathering', 'sharing', 'masking', 'unmasking', 'opening']) {
      expect([
        stage,
        valueOf(lines, 'stage_duration_seconds_count', task, `stage="${stage}"`),
      ]).toEqual([stage, 1]);
    }
    expect(valueOf(lines, 'cohort_devices_sum', task)).toBe(6);
    expect(valueOf(lines, 'response_ratio_sum', task)).toBeCloseTo(5 / 6);
    expect(valueOf(lines, 'unmasking_duration_seconds_count', task)).toBe(1);
    expect(valueOf(lines, 'drops_total', 'stage="masking"', 'code="connection-lost"')).toBe(1);
    expect(valueOf(lines, 'drops_total')).toBe(1);
    const [result] = fleet.results;
    expect(valueOf(lines, 'round_bytes_total', 'direction="in"')).toBe(result?.bytesIn);
    // The result is written before its five survivors are told of it.
    const told = valueOf(lines, 'round_bytes_total', 'direction="out"') - result!.bytesOut;
    expect([told % 5, told > 5 * 200]).toEqual([0, true]);
    for (const kind of ['window', 'roster', 'shared-set', 'survivor-set']) {
      const answers = [`kind="${kind}"`, 'outcome="attested"'];
      expect([kind, valueOf(lines, 'registrar_answer_seconds_count', ...answers)]).toEqual([
        kind,
        1,
      ]);
    }
    expect(lines).toContain('onlysum_coordinator_connections 0');
    expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_'))).toBe(true);
    expect(lines.some((line) => line.startsWith('process_cpu_seconds_total'))).toBe(true);
  });

  it('counts rounds that did not open, with the reason', async () => {
    // Of three, none may be lost.
    const fleet = await start({ cohort: { min: 3, target: 3, max: 3 } });
    const identities = await enrolDevices(fleet, 3);
    await runDevices(fleet, identities, (i) => ({
      tamper: (type, bytes, { socket }) => {
        if (i !== 0 || type !== maskedInput.type) return [bytes];
        socket.terminate();
        return [];
      },
    }));
    await until(() => fleet.coordinator.health().aborted === 1);
    const lines = await metricsOf(fleet);
    expect(valueOf(lines, 'rounds_total', 'outcome="too-many-dropped"')).toBe(1);
    expect(valueOf(lines, 'rounds_total')).toBe(1);
    expect(valueOf(lines, 'drops_total', 'code="round-aborted"')).toBe(2);
    const { aborts } = fleet.coordinator.health();
    expect(aborts).toMatchObject([{ code: 'too-many-dropped', count: 1 }]);
  });

  it('has no value of a label that grows with rounds or devices', async () => {
    const fleet = await roundWithOneLost();
    const text = (await metricsOf(fleet)).join('\n');
    const [{ round, task }] = fleet.results as [(typeof fleet.results)[number]];
    expect(text).toContain(task.name);
    for (const secret of [round, task.taskId, '127.0.0.1']) expect(text).not.toContain(secret);
    // Hex of any length that could tell devices apart.
    expect(text).not.toMatch(/="[0-9a-f]{8,}"/);
  });

  it('is of this coordinator alone, and there only if it was asked for', async () => {
    const counted = await roundWithOneLost();
    const other = await start();
    expect(valueOf(await metricsOf(counted), 'rounds_total')).toBe(1);
    expect(valueOf(await metricsOf(other), 'rounds_total')).toBe(0);
    const silent = await start({ coordinator: { metrics: false } });
    expect((await get(silent, '/metrics')).status).toBe(404);
  });
});

describe('/healthz', () => {
  it('shows rounds with their stage and counts, and drops by stage and code', async () => {
    const fleet = await start({ cohort: { min: 3, target: 6, max: 6 } });
    const [identity] = await enrolDevices(fleet, 1);
    const waiting = runDevice(fleet, identity!);
    await until(() => fleet.coordinator.health().rounds[0]?.devices === 1);
    const health = (await (await get(fleet, '/healthz')).json()) as CoordinatorHealth;
    const { name, version } = fleet.task.manifest;
    expect(health).toMatchObject({ role: 'coordinator', registrar: 'embedded', gathering: 1 });
    expect(health.rounds).toMatchObject([{ task: name, version, stage: 'gathering', devices: 1 }]);
    expect(JSON.stringify(health)).not.toMatch(/127\.0\.0\.1|"round"/);
    await fleet.coordinator.close({ graceMs: 0 });
    await waiting;
    const { drops } = fleet.coordinator.health();
    expect(drops).toMatchObject([{ stage: 'gathering', code: 'shutting-down', count: 1 }]);
  });
});

describe('/readyz', () => {
  const readiness = async (fleet: Fleet) => {
    const response = await get(fleet, '/readyz');
    return { code: response.status, ...((await response.json()) as Readiness) };
  };

  it('is 200 when the registrar answers and a task is valid', async () => {
    const port = (registrar: Fleet['registrar']) => ({
      attest: (bytes: Uint8Array) => registrar.attest(bytes),
      greet: () => Promise.resolve(),
    });
    expect(await readiness(await start({ port }))).toEqual({
      code: 200,
      status: 'ready',
      reasons: [],
    });
  });

  it('is 503 while the registrar does not answer, and says so without its address', async () => {
    const fleet = await startFleetWithDeadRegistrar();
    const { code, status, reasons } = await readiness(fleet);
    expect([code, status]).toEqual([503, 'not-ready']);
    expect(reasons).toEqual([
      expect.stringMatching(/^the registrar does not answer: ECONNREFUSED/),
    ]);
    expect((await get(fleet, '/healthz')).status).toBe(200);
  });

  it('asks the registrar once however many ask it', async () => {
    let greeted = 0;
    const port = (registrar: Fleet['registrar']) => ({
      attest: (bytes: Uint8Array) => registrar.attest(bytes),
      greet: async () => {
        greeted++;
      },
    });
    const fleet = await start({ port });
    const before = greeted;
    await Promise.all(Array.from({ length: 20 }, () => get(fleet, '/readyz')));
    expect(greeted - before).toBe(1);
  });

  it('is 503 when no task is valid, and when results cannot be written', async () => {
    const resultsDir = mkdtempSync(join(tmpdir(), 'onlysum-ready-'));
    let nowMs = Date.now();
    const fleet = await start({ coordinator: { resultsDir, now: () => nowMs } });
    nowMs = fleet.task.manifest.validity.notAfterMs;
    rmSync(resultsDir, { recursive: true });
    const { code, reasons } = await readiness(fleet);
    expect(code).toBe(503);
    expect(reasons).toEqual(['no task is valid now', 'the folder for results cannot be written']);
    expect(reasons.join()).not.toContain(resultsDir);
  });
});

describe('the log', () => {
  /** Of the process, or of a window with all its rounds. */
  const ABOUT_ALL = new Set(['listening', 'closing', 'closed', 'window decided']);

  it('has round and task on every line about a round', async () => {
    const fleet = await roundWithOneLost();
    const { round, task } = fleet.results[0]!;
    const about = fleet.log.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg, code }) => !ABOUT_ALL.has(String(msg)) && code !== 'noise-off');
    expect(about.length).toBeGreaterThan(5);
    for (const line of about) expect(line).toMatchObject({ round, task: task.name });
  });

  it('has them when a device of a round is sent away, and when the registrar is silent', async () => {
    let isSilent = false;
    const fleet = await start({
      cohort: { min: 3, target: 3, max: 3 },
      port: (registrar) => ({
        attest: (bytes) => {
          if (isSilent) return Promise.reject(new Error('no answer'));
          return registrar.attest(bytes);
        },
      }),
      coordinator: { durations: { attestMs: 300 } },
    });
    const identities = await enrolDevices(fleet, 3);
    await runDevices(fleet, identities, () => ({
      tamper: (type, bytes) => {
        isSilent ||= type !== hello.type;
        return [bytes];
      },
    }));
    const lines = fleet.log.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const { name } = fleet.task.manifest;
    for (const msg of ['device sent away', 'the registrar gave no answer that can be used']) {
      const some = lines.filter((line) => line['msg'] === msg && line['asked'] !== 'window');
      expect([msg, some.length > 0]).toEqual([msg, true]);
      for (const line of some)
        expect(line).toMatchObject({ task: name, round: expect.any(String) as string });
    }
  });
});

async function startFleetWithDeadRegistrar(): Promise<Fleet> {
  const port = await freePort();
  return start({ port: () => httpRegistrar(`http://127.0.0.1:${port}`) });
}
