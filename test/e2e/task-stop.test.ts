/**
 * `onlysum task` beside a coordinator that runs: processes of their own on one store, and devices in the
 * middle of a round.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { maskedInput } from '@onlysum/protocol';
import type { Manifest } from '@onlysum/task';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registrarSettings } from '../../packages/cli/src/registrar-settings.js';
import { type OpenRegistrar, openRegistrar } from '../../packages/cli/src/run-registrar.js';
import { loadTask } from '../../packages/cli/src/tasks.js';
import {
  type DeviceReport,
  type Fleet,
  type Identity,
  enrolDevices,
  runDevice,
  runDevices,
  until,
} from '../coordinator/wire-fleet.js';
import { emptySchema, hasPostgres, urlOf } from '../postgres/database.js';
import { freePort } from './free-port.js';
import { endAll, onlysumJson, Running } from './onlysum-process.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-task-stop-'));
const LIMIT_MS = 120_000;
const DEVICES = 4;
/** Every tenth of a second; a coordinator looks twice a second. */
const ATTEMPTS = 200;
const DAY_MS = 86_400_000;
const registrars: OpenRegistrar[] = [];
/** A window is a day long, and none may end meanwhile. */
beforeAll(async () => {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < LIMIT_MS) await sleep(leftMs + 1_000);
}, 2 * LIMIT_MS);
afterAll(async () => {
  await endAll();
  for (const registrar of registrars) await registrar.close();
  rmSync(root, { recursive: true, force: true });
});

interface TaskView {
  readonly state: string;
  readonly changed: boolean;
}

/** @param store - its line in onlysum.yaml. */
async function deployment(name: string, store: string): Promise<string> {
  const cwd = join(root, name);
  await onlysumJson(['init', name], { cwd: root });
  const port = await freePort();
  const path = join(cwd, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const changed: Manifest = {
    ...manifest,
    coordinator: { ...manifest.coordinator, url: `ws://127.0.0.1:${port}/v1/devices` },
    window: { lengthMs: manifest.epoch.lengthMs },
    cohort: { min: 3, target: DEVICES, max: DEVICES },
  };
  writeFileSync(path, JSON.stringify(changed));
  await onlysumJson(['manifest', 'sign'], { cwd });
  const file = join(cwd, 'onlysum.yaml');
  const text = readFileSync(file, 'utf8').replace('8787', `${port}`);
  writeFileSync(file, text.replace('resultsDir: results', `resultsDir: results\n  ${store}`));
  // The URL of a database may hold a password.
  chmodSync(file, 0o600);
  return cwd;
}

/** The registrar is in this process, so that its codes and the devices' machine are at hand. */
async function startServers(cwd: string): Promise<Pick<Fleet, 'task' | 'registrar'> & Running> {
  const terminal = { out: process.stdout, err: process.stderr, env: {}, cwd };
  const settings = { ...registrarSettings({}, terminal), port: 0, logLevel: 'silent' as const };
  const opened = await openRegistrar(settings, terminal);
  registrars.push(opened);
  const args = ['coordinator', '--registrar-url', opened.url, '--json'];
  const coordinator = new Running(args, { cwd });
  await coordinator.listening();
  const task = loadTask(join(cwd, 'manifest.signed.json'));
  return Object.assign(coordinator, { task, registrar: opened.registrar });
}

describe.each([
  { kind: 'lmdb', isHere: true, line: async () => 'store: elsewhere' },
  {
    kind: 'postgres',
    isHere: hasPostgres,
    line: async () => {
      const url = JSON.stringify(urlOf(await emptySchema()));
      return `store: { postgres: { url: ${url} } }\n  resultsKey: { file: results.key }`;
    },
  },
])('on $kind', ({ kind, isHere, line }) => {
  it.runIf(isHere)(
    'ends a round in its middle, opens nothing, and opens the next one after it was resumed',
    async () => {
      const cwd = await deployment(kind, await line());
      writeFileSync(join(cwd, 'results.key'), 'ab'.repeat(32), { mode: 0o600 });
      const coordinator = await startServers(cwd);
      const { task, registrar } = coordinator;
      const { url } = task.manifest.coordinator;
      const fleet = { task, registrar, coordinator: { url } } as Fleet;
      // Whoever enrols later is in the next window only; whose input had left, in no other round of this one.
      const identities = await enrolDevices(fleet, 2 * DEVICES);
      const first = identities.slice(0, DEVICES);
      // One device sends no masked input, so the round waits for it.
      let masked = 0;
      const running = runDevices(fleet, first, (i) => ({
        tamper: (type, bytes) => {
          if (type !== maskedInput.type) return [bytes];
          masked++;
          return i === 0 ? [] : [bytes];
        },
      }));
      await until(() => masked === DEVICES);

      const stop = ['task', 'stop', task.manifest.name, '--reason', 'incident 7'];
      expect(await onlysumJson<TaskView>(stop, { cwd })).toMatchObject({
        ...{ state: 'stopped', changed: true },
      });
      for (const { droppedCode, droppedDetail, closeCode, receipt } of await running) {
        expect([droppedCode, closeCode, receipt]).toEqual(['task-stopped', 4024, undefined]);
        expect(droppedDetail).toContain('incident 7');
      }
      const health = async () => {
        const response = await fetch(
          `${url.replace('ws', 'http').replace('/v1/devices', '')}/healthz`,
        );
        return (await response.json()) as { running: number; opened: number; aborted: number };
      };
      expect(await health()).toMatchObject({ running: 0, opened: 0 });
      const results = () =>
        readdirSync(join(cwd, 'results')).filter((name) => name.endsWith('json'));
      expect(results()).toEqual([]);
      for (const { droppedCode } of await runDevices(fleet, first)) {
        expect(droppedCode).toBe('task-stopped');
      }

      const resume = ['task', 'resume', `${task.manifest.name}@1`, '--reason', 'over'];
      expect(await onlysumJson<TaskView>(resume, { cwd })).toMatchObject({ state: 'open' });
      const rest = identities.slice(DEVICES);
      const again = await Promise.all(rest.map((identity) => onceResumed(fleet, identity)));
      for (const { receipt } of again) {
        expect(receipt?.opened).toBe(true);
      }
      expect(await health()).toMatchObject({ opened: 1 });
      await vi.waitFor(() => expect(results()).toHaveLength(1), 20_000);
    },
    LIMIT_MS,
  );
});

/** Comes again until the coordinator has seen that the task goes on. */
async function onceResumed(fleet: Fleet, identity: Identity): Promise<DeviceReport> {
  for (let attempt = 1; ; attempt++) {
    const report = await runDevice(fleet, identity);
    if (report.droppedCode !== 'task-stopped' || attempt === ATTEMPTS) return report;
    await sleep(100);
  }
}
