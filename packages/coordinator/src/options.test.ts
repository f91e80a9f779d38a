import { UsageError, systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { DEFAULT_DURATIONS } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import { freshKeys, makeTask } from '../../../test/coordinator/wire-fleet.js';
import { startCoordinator } from './coordinator.js';
import { DEFAULT_LIMITS, largestFrameBytes } from './limits.js';
import { type CoordinatorOptions, checkOptions } from './options.js';

const keys = freshKeys();
const task = makeTask(keys);
const good: CoordinatorOptions = {
  tasks: [task],
  seed: keys.coordinator,
  registrar: { attest: async (bytes) => bytes },
  host: '127.0.0.1',
  port: 0,
};

function refusalOf(options: object): UsageError {
  try {
    checkOptions({ ...good, ...options } as CoordinatorOptions);
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error('not refused');
}

describe('options', () => {
  it('are completed with defaults', () => {
    const settings = checkOptions({
      ...good,
      durations: { gatherMs: 5 },
      limits: { connections: 7 },
    });
    expect(settings.durations).toEqual({ ...DEFAULT_DURATIONS, gatherMs: 5 });
    expect(settings.limits).toEqual({ ...DEFAULT_LIMITS, connections: 7 });
    expect([...settings.tasksByPath.keys()]).toEqual(['/v1/devices']);
  });

  it.each([
    { name: 'no task', options: { tasks: [] }, field: 'tasks' },
    { name: 'a task twice', options: { tasks: [task, task] }, field: 'tasks[1]' },
    { name: 'a short seed', options: { seed: new Uint8Array(31) }, field: 'seed' },
    { name: 'a seed as text', options: { seed: 'a0'.repeat(32) }, field: 'seed' },
    { name: 'no registrar', options: { registrar: {} }, field: 'registrar' },
    { name: 'an empty host', options: { host: '' }, field: 'host' },
    { name: 'a port above 65535', options: { port: 65_536 }, field: 'port' },
    { name: 'a port as text', options: { port: '80' }, field: 'port' },
    {
      name: 'a duration of 0',
      options: { durations: { gatherMs: 0 } },
      field: 'durations.gatherMs',
    },
    {
      name: 'a duration above a day',
      options: { durations: { attestMs: 86_400_001 } },
      field: 'durations.attestMs',
    },
    {
      name: 'an unknown duration',
      options: { durations: { waitMs: 1 } },
      field: 'durations.waitMs',
    },
    { name: 'records with no folder', options: { exportRounds: true }, field: 'exportRounds' },
    {
      name: 'records asked for by a text',
      options: { exportRounds: 'yes', resultsDir: '/tmp' },
      field: 'exportRounds',
    },
    { name: 'an unknown limit', options: { limits: { sockets: 1 } }, field: 'limits.sockets' },
    {
      name: 'a limit of NaN',
      options: { limits: { connections: Number.NaN } },
      field: 'limits.connections',
    },
    {
      name: 'a timer longer than timers can be',
      options: { limits: { pingIntervalMs: 2 ** 31 } },
      field: 'limits.pingIntervalMs',
    },
    {
      name: 'frames smaller than the task needs',
      options: { limits: { frameBytes: largestFrameBytes(task) - 1 } },
      field: 'limits.frameBytes',
    },
  ])('with $name are refused by name', ({ options, field }) => {
    expect(refusalOf(options)).toMatchObject({ code: 'argument-invalid', field });
  });

  it('with the seed of another coordinator are refused, and the seed is not told', () => {
    const seed = systemRng(32);
    const error = refusalOf({ seed });
    expect(error).toMatchObject({ code: 'task-mismatch', field: 'tasks[0]' });
    expect(error.message).not.toContain(Buffer.from(seed).toString('hex'));
    expect(refusalOf({ seed: 'a0'.repeat(32) }).message).not.toContain('a0a0');
  });

  it('let the largest frame be exactly as large as needed', () => {
    const limits = { frameBytes: largestFrameBytes(task) };
    expect(checkOptions({ ...good, limits }).limits.frameBytes).toBe(limits.frameBytes);
  });

  it('with a port that is taken are refused', async () => {
    const first = await startCoordinator(good);
    const again = startCoordinator({ ...good, port: first.port });
    await expect(again).rejects.toMatchObject({ code: 'listen-failed', field: 'port' });
    await first.close();
  });

  it('with a folder that cannot be made are refused before anything listens', async () => {
    const refused = startCoordinator({ ...good, resultsDir: '/dev/null/results' });
    await expect(refused).rejects.toMatchObject({ code: 'argument-invalid', field: 'resultsDir' });
  });

  it('accept another suite', async () => {
    const { portableSuite } = await import('@onlysum/crypto');
    expect(checkOptions({ ...good, suite: portableSuite }).suite).toBe(portableSuite);
    expect(checkOptions(good).suite).toBe(nativeSuite);
  });
});
