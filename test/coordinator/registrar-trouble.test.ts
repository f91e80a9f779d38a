import { setTimeout as sleep } from 'node:timers/promises';
import { RoundError } from '@onlysum/crypto';
import {
  type RegistrarRequest,
  type RegistrarResponse,
  encodeResponse,
  parseRequest,
  parseResponse,
} from '@onlysum/protocol';
import { type Registrar, startRegistrar, memoryStore } from '@onlysum/registrar';
import { httpRegistrar } from '@onlysum/coordinator';
import { describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  type Fleet,
  enrolDevices,
  freshKeys,
  makeTask,
  runDevices,
  strangersSignature,
  until,
} from './wire-fleet.js';

const start = closedAfterEach();

/** The real registrar, its answers to some kinds of request changed, delayed or lost. */
function between(
  answer: (
    request: RegistrarRequest,
    real: () => Promise<Uint8Array>,
    attempt: number,
  ) => Promise<Uint8Array>,
) {
  return (registrar: Registrar) => {
    const attempts = new Map<string, number>();
    return {
      attest: (bytes: Uint8Array) => {
        const request = parseRequest(bytes);
        const attempt = (attempts.get(request.kind) ?? 0) + 1;
        attempts.set(request.kind, attempt);
        return answer(request, () => registrar.attest(bytes), attempt);
      },
    };
  };
}

/** Changes one kind of answer. */
function altered(
  kind: RegistrarRequest['kind'],
  change: (response: RegistrarResponse) => RegistrarResponse,
) {
  return between(async (request, real) => {
    const bytes = await real();
    return request.kind === kind ? encodeResponse(change(parseResponse(bytes))) : bytes;
  });
}

async function never(): Promise<Uint8Array> {
  return await new Promise<Uint8Array>(() => undefined);
}

describe('a registrar that does not answer', () => {
  const durations = { attestMs: 400 };

  it.each([
    { kind: 'window', code: 'registrar-unavailable', closeCode: 4020 },
    { kind: 'roster', code: 'round-aborted', closeCode: 4015 },
    { kind: 'shared-set', code: 'round-aborted', closeCode: 4015 },
    { kind: 'survivor-set', code: 'round-aborted', closeCode: 4015 },
  ])('to $kind: devices are told, and can try again', async ({ kind, code, closeCode }) => {
    const fleet = await start({
      coordinator: { durations },
      port: between((request, real) =>
        request.kind === kind ? Promise.reject(new Error('connect ECONNREFUSED')) : real(),
      ),
    });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const report of reports) {
      expect(report).toMatchObject({ droppedCode: code, closeCode, retryInMs: 1000 });
      expect(report.droppedDetail).toMatch(/the registrar cannot be reached: connect ECONNREFUSED/);
    }
    expect(fleet.results).toEqual([]);
  });

  it('at all, not even to say no: the stage ends in time', async () => {
    const fleet = await start({
      coordinator: { durations },
      port: between((request, real) => (request.kind === 'roster' ? never() : real())),
    });
    const beganMs = Date.now();
    const [report] = await runDevices(fleet, await enrolDevices(fleet, 5));
    expect(report?.droppedDetail).toMatch(/registrar-unavailable: .*did not answer within 400 ms/);
    expect(Date.now() - beganMs).toBeLessThan(10_000);
  });

  it('at first is asked again, and the round opens', async () => {
    const fleet = await start({
      port: between((_request, real, attempt) =>
        attempt < 3 ? Promise.reject(new Error('socket hang up')) : real(),
      ),
    });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
  });

  it('and says that asking again is of no use is not asked again', async () => {
    let asked = 0;
    const fleet = await start({
      port: between((request, real) => {
        if (request.kind !== 'window') return real();
        asked++;
        return Promise.reject(new RoundError('registrar-answer', 'HTTP 404'));
      }),
    });
    const [identity] = await enrolDevices(fleet, 1);
    const [report] = await runDevices(fleet, [identity!]);
    expect(report?.droppedDetail).toBe('registrar-refused: registrar-answer: HTTP 404');
    expect(asked).toBe(1);
  });

  it('in time serves the next device, once it is back', async () => {
    let isDown = true;
    const fleet = await start({
      coordinator: { durations: { attestMs: 200 } },
      port: between((_request, real) => (isDown ? Promise.reject(new Error('down')) : real())),
    });
    const identities = await enrolDevices(fleet, 5);
    const [early] = await runDevices(fleet, identities.slice(0, 1));
    expect(early?.droppedCode).toBe('registrar-unavailable');
    isDown = false;
    const reports = await runDevices(fleet, identities);
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
  });
});

describe('an answer that is not what was asked for under the registrar’s signature', () => {
  const signature = strangersSignature();
  it.each([
    {
      kind: 'window' as const,
      change: (response: RegistrarResponse): RegistrarResponse =>
        response.kind === 'window'
          ? { ...response, announcement: { ...response.announcement, pools: 2 } }
          : response,
    },
    {
      kind: 'roster' as const,
      change: (response: RegistrarResponse): RegistrarResponse =>
        response.kind === 'roster' ? { ...response, signature } : response,
    },
    {
      kind: 'shared-set' as const,
      change: (): RegistrarResponse => ({ kind: 'set', signature, auditHead: null }),
    },
    {
      kind: 'survivor-set' as const,
      change: (): RegistrarResponse => ({ kind: 'set', signature, auditHead: null }),
    },
    {
      kind: 'survivor-set' as const,
      change: (response: RegistrarResponse): RegistrarResponse =>
        response.kind === 'set' && response.auditHead !== null
          ? { ...response, auditHead: { ...response.auditHead, sequence: 1 } }
          : response,
    },
    {
      kind: 'survivor-set' as const,
      change: (): RegistrarResponse => ({ kind: 'closed' }),
    },
  ])('to $kind is not used', async ({ kind, change }) => {
    const fleet = await start({ port: altered(kind, change) });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { droppedCode, droppedDetail, receipt } of reports) {
      expect(droppedCode).toBe('round-aborted');
      expect(droppedDetail).toMatch(/^registrar-refused: registrar-signature: /);
      expect(receipt).toBeUndefined();
    }
  });

  it('but garbage is told apart', async () => {
    const fleet = await start({ port: between(async () => new Uint8Array(3)) });
    const [report] = await runDevices(fleet, await enrolDevices(fleet, 1));
    expect(report?.droppedDetail).toMatch(/^registrar-refused: wire-invalid: /);
  });
});

describe('a new incarnation', () => {
  it('ends rounds that gathered under the old one, and the next one opens', async () => {
    const fleet = await start({ cohort: { min: 3, target: 3, max: 3 }, dropout: 0 });
    const identities = await enrolDevices(fleet, 3);
    const early = runDevices(fleet, identities.slice(0, 2));
    await until(() => fleet.coordinator.health().gathering === 1);
    await fleet.registrar.newIncarnation();
    const [last] = await runDevices(fleet, identities.slice(2));
    for (const report of [...(await early), last]) {
      expect(report).toMatchObject({ droppedCode: 'round-aborted', retryInMs: 1000 });
    }
    const reports = await runDevices(fleet, identities);
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
  });

  it('that another round has learnt of spares a gathering one the refusal of its devices', async () => {
    const fleet = await start({
      cohort: { min: 3, target: 3, max: 3 },
      dropout: 0,
      moreTasks: [{ name: 'acme-cli' }],
    });
    const second = makeTask(fleet.keys, { name: 'acme-cli' });
    const identities = await enrolDevices(fleet, 3);
    const waiting = runDevices(fleet, identities.slice(0, 2));
    await until(() => fleet.coordinator.health().gathering === 1);
    await sleep(100);
    await fleet.registrar.newIncarnation();
    // Both tasks have the same registrar: the announcement for the other one tells.
    void runDevices(fleet, identities.slice(2), () => ({ task: second }));
    await until(() => fleet.coordinator.health().gathering === 2);
    const [last] = await runDevices(fleet, identities.slice(2));
    expect([last, ...(await waiting)].map((report) => report?.droppedDetail)).toEqual(
      new Array(3).fill(
        'registrar-refused: window-not-open: the registrar began a new incarnation: join again',
      ),
    );
  });
});

describe('over HTTP', () => {
  it('a whole round opens', async () => {
    const keys = freshKeys();
    const task = makeTask(keys);
    const running = await startRegistrar({
      seed: keys.registrar,
      tasks: [task],
      epochLengthMs: task.manifest.epoch.lengthMs,
      store: memoryStore(),
      host: '127.0.0.1',
      port: 0,
    });
    const { startCoordinator } = await import('@onlysum/coordinator');
    const coordinator = await startCoordinator({
      tasks: [task],
      seed: keys.coordinator,
      registrar: httpRegistrar(running.url),
      host: '127.0.0.1',
      port: 0,
    });
    const fleet = { task, coordinator, registrar: running.registrar } as Fleet;
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
    await coordinator.close();
    await running.close();
  });
});
