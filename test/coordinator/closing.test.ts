import { setTimeout as sleep } from 'node:timers/promises';
import { maskedInput } from '@onlysum/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type DeviceOptions,
  type Fleet,
  connect,
  enrolDevice,
  enrolDevices,
  lanesOf,
  runDevice,
  runDevices,
  startFleet,
  sumLanes,
  until,
} from './wire-fleet.js';

let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.coordinator.close({ graceMs: 0 });
  fleet = undefined;
});

/** Holds one device's masked input back until the returned function is called. */
function heldBack() {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const tamper: DeviceOptions['tamper'] = (type, bytes, { socket }) => {
    if (type !== maskedInput.type) return [bytes];
    void released.then(() => socket.send(bytes));
    return [];
  };
  return { tamper, release };
}

describe('closing', () => {
  it('lets a running round end, and refuses devices meanwhile', async () => {
    fleet = await startFleet();
    const { coordinator } = fleet;
    const identities = await enrolDevices(fleet, 5);
    const newcomer = await enrolDevice(fleet);
    const { tamper, release } = heldBack();
    const running = runDevices(fleet, identities, (i) => (i === 0 ? { tamper } : {}));
    await until(() => coordinator.health().running === 1);
    const url = `http://127.0.0.1:${coordinator.port}/healthz`;
    const closed = coordinator.close({ graceMs: 10_000 });
    const refused = await runDevice(fleet, newcomer);
    expect(refused).toMatchObject({
      droppedCode: 'shutting-down',
      closeCode: 4016,
      retryInMs: 1000,
    });
    const health = await fetch(url);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'closing', running: 1 });
    release();
    for (const { receipt } of await running) expect(receipt?.opened).toBe(true);
    await closed;
    expect(fleet.results[0]?.lanes).toEqual(
      sumLanes([0, 1, 2, 3, 4].map((i) => lanesOf(fleet!.task, i))),
    );
    await expect(fetch(url)).rejects.toThrow();
  });

  it('tells devices why when a round does not end in time, and frees its roster', async () => {
    fleet = await startFleet();
    const { coordinator } = fleet;
    const { tamper } = heldBack();
    const identities = await enrolDevices(fleet, 5);
    const running = runDevices(fleet, identities, (i) => (i === 0 ? { tamper } : {}));
    await until(() => coordinator.health().running === 1);
    const beganMs = Date.now();
    await coordinator.close({ graceMs: 300 });
    expect(Date.now() - beganMs).toBeGreaterThanOrEqual(290);
    expect(Date.now() - beganMs).toBeLessThan(9_000);
    for (const report of await running) {
      expect(report).toMatchObject({ droppedCode: 'shutting-down', closeCode: 4016 });
      expect(report.receipt).toBeUndefined();
    }
    expect(fleet.results).toEqual([]);
  });

  it('sends those who wait away at once, and connections that said nothing too', async () => {
    fleet = await startFleet();
    const { coordinator } = fleet;
    const waiting = runDevices(fleet, await enrolDevices(fleet, 2));
    const silent = connect(fleet);
    const silentClosed = new Promise((resolve) => silent.once('close', resolve));
    await until(
      () => coordinator.health().gathering === 1 && coordinator.health().connections === 3,
    );
    const beganMs = Date.now();
    await coordinator.close({ graceMs: 10_000 });
    expect(Date.now() - beganMs).toBeLessThan(9_000);
    for (const report of await waiting) expect(report.droppedCode).toBe('shutting-down');
    expect(await silentClosed).toBe(4016);
  });

  it('ends although a peer does not close its side', async () => {
    fleet = await startFleet({ coordinator: { limits: { closeTimeoutMs: 200 } } });
    const stuck = connect(fleet);
    stuck.on('error', () => undefined);
    await new Promise((resolve) => stuck.once('open', resolve));
    stuck.pause();
    const beganMs = Date.now();
    await fleet.coordinator.close({ graceMs: 0 });
    expect(Date.now() - beganMs).toBeLessThan(9_000);
    stuck.terminate();
  });

  it('can be asked for twice', async () => {
    fleet = await startFleet();
    await Promise.all([fleet.coordinator.close(), fleet.coordinator.close()]);
    await fleet.coordinator.close();
  });

  it('waits for results that are being handed over', async () => {
    let isHandedOver = false;
    fleet = await startFleet({
      coordinator: {
        onResult: async () => {
          await sleep(300);
          isHandedOver = true;
        },
      },
    });
    await runDevices(fleet, await enrolDevices(fleet, 5));
    await fleet.coordinator.close();
    expect(isHandedOver).toBe(true);
  });

  it('is not kept from its work by an onResult that throws', async () => {
    fleet = await startFleet({
      coordinator: {
        onResult: () => {
          throw new Error('disk full');
        },
      },
    });
    const identities = await enrolDevices(fleet, 10);
    for (const five of [identities.slice(0, 5), identities.slice(5)]) {
      const reports = await runDevices(fleet, five);
      expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
    }
    expect(fleet.log.lines.join('')).toMatch(/onResult failed/);
    expect(fleet.coordinator.health().opened).toBe(2);
  });
});
