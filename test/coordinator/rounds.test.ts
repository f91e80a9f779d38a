import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHex, toHex, UsageError } from '@onlysum/crypto';
import {
  advertiseKeys,
  closed,
  decodeBitmap,
  decodeFrame,
  maskContext,
  maskedInput,
  parseRoundRecord,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  shareKeys,
  survivorSetStatement,
  unmasking,
  verifyReceipt,
  verifyRoundRecord,
} from '@onlysum/protocol';
import { memoryCoordinatorStore, type PublishedResult } from '@onlysum/coordinator';
import { auditEntries, memoryStore } from '@onlysum/registrar';
import { describe, expect, it } from 'vitest';
import { closedAfterEach } from './fleets.js';
import {
  type Fleet,
  enrolDevice,
  enrolDevices,
  lanesOf,
  makeTask,
  runDevice,
  runDevices,
  suite,
  sumLanes,
  until,
} from './wire-fleet.js';

const start = closedAfterEach();

function inputs(fleet: Fleet, indices: readonly number[]): Uint32Array[] {
  return indices.map((i) => lanesOf(fleet.task, i));
}

describe('a whole round over real sockets', () => {
  it('opens the plain sum, closing each stage when all have answered', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'onlysum-results-'));
    const fleet = await start({ coordinator: { resultsDir: directory } });
    const beganMs = Date.now();
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    // Every stage may last 30 s.
    expect(Date.now() - beganMs).toBeLessThan(20_000);
    for (const { receipt, closeCode } of reports) {
      expect(receipt).toMatchObject({ included: true, opened: true, devices: 5, survivors: 5 });
      const { registrarKey: registrar, coordinatorKey: coordinator } = fleet.task;
      verifyReceipt(suite, { registrar, coordinator }, receipt!);
      expect(receipt!.auditHeads).toEqual(reports[0]?.receipt?.auditHeads);
      expect(closeCode).toBe(1000);
    }
    await until(() => fleet.results.length === 1);
    const result = fleet.results[0]!;
    expect(result).toMatchObject({
      task: { name: 'acme-desktop', version: 1 },
      devices: 5,
      survivors: 5,
      dropped: [],
      silentAfterMasked: 0,
      lanes: sumLanes(inputs(fleet, [0, 1, 2, 3, 4])),
      estimates: { metrics: { crashes: { total: { value: 10 }, reported: { value: 5 } } } },
    });
    expect(fleet.coordinator.health()).toMatchObject({ opened: 1, aborted: 0, running: 0 });

    const [file = '', ...others] = await readdir(directory);
    expect(others).toEqual([]);
    expect(file).toBe(
      `acme-desktop-v1-w${String(result.window.index).padStart(12, '0')}-${result.round}.json`,
    );
    expect(JSON.parse(await readFile(join(directory, file), 'utf8'))).toEqual(result);
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    await rm(directory, { recursive: true });
  });

  it('gives each device what both audit logs have come to, with the round in them', async () => {
    const store = memoryCoordinatorStore();
    const registrarLog = memoryStore();
    const fleet = await start({ coordinator: { store }, registrarStore: registrarLog });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    const { auditHeads } = reports[0]!.receipt!;
    const logs = {
      coordinator: await store.auditEntries({ limit: 1000 }),
      registrar: registrarLog.read((ledger) => auditEntries(ledger, 0, 1000)),
    };
    const ends = { coordinator: 'round.opened', registrar: 'survivor-set.attested' };
    for (const role of ['coordinator', 'registrar'] as const) {
      const head = auditHeads[role]!;
      const upToHead = logs[role].slice(0, head.sequence);
      expect(upToHead.at(-1)?.digest).toBe(toHex(head.digest));
      const ended = upToHead.filter(({ action }) => action === ends[role]);
      expect(ended.map(({ subject }) => subject)).toEqual([fleet.results[0]?.round]);
    }
  });

  it('waits with the last word for a store that is away for some seconds', async () => {
    const store = memoryCoordinatorStore();
    let backAtMs = Number.POSITIVE_INFINITY;
    const unsteady = Object.assign(Object.create(store) as typeof store, {
      closeRound: (...close: Parameters<typeof store.closeRound>) => {
        backAtMs = Math.min(backAtMs, Date.now() + 3_000);
        if (Date.now() >= backAtMs) return store.closeRound(...close);
        throw new UsageError('store-unavailable', 'store: it is away');
      },
    });
    const fleet = await start({ coordinator: { store: unsteady } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) expect(receipt).toMatchObject({ opened: true });
    expect(fleet.results).toHaveLength(1);
  });

  it('is not stored any more once its task is stopped, though the store does not know of that yet', async () => {
    const store = memoryCoordinatorStore();
    let isAway = true;
    let isKeeping = (): void => undefined;
    const keeping = new Promise<void>((resolve) => (isKeeping = resolve));
    const away = () => new UsageError('store-unavailable', 'store: it is away');
    const unsteady = Object.assign(Object.create(store) as typeof store, {
      closeRound: (...close: Parameters<typeof store.closeRound>) => {
        isKeeping();
        if (!isAway) return store.closeRound(...close);
        throw away();
      },
      setTaskState: () => Promise.reject(away()),
    });
    const fleet = await start({ coordinator: { store: unsteady } });
    const running = enrolDevices(fleet, 5).then((devices) => runDevices(fleet, devices));
    await keeping;
    const taskId = toHex(fleet.task.taskId);
    await expect(fleet.coordinator.stopTask(taskId, 'incident', 'test')).rejects.toThrow('away');
    isAway = false;
    const codes = (await running).map(({ droppedCode }) => droppedCode);
    expect(codes).toEqual(new Array(5).fill('task-stopped'));
    const rounds = await store.rounds(taskId);
    expect(rounds.filter(({ state }) => state === 'opened')).toEqual([]);
  });

  it('has its last word without an audit head, if the store does not give that', async () => {
    const store = memoryCoordinatorStore();
    let isKept = false;
    const silent = Object.assign(Object.create(store) as typeof store, {
      closeRound: async (...close: Parameters<typeof store.closeRound>) => {
        const written = await store.closeRound(...close);
        isKept = true;
        return written;
      },
      auditHead: () => (isKept ? new Promise(() => undefined) : store.auditHead()),
    });
    const fleet = await start({ coordinator: { store: silent } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt } of reports) {
      expect([receipt?.opened, receipt?.auditHeads.coordinator]).toEqual([true, null]);
    }
  });

  it('tells nothing of a sum whose fate is not known', async () => {
    const store = memoryCoordinatorStore();
    const unsteady = Object.assign(Object.create(store) as typeof store, {
      closeRound: async (...close: Parameters<typeof store.closeRound>) => {
        await store.closeRound(...close);
        // Done, and the answer is lost; trying again gives no more.
        throw new UsageError('store-conflict', 'store: another answer');
      },
    });
    const fleet = await start({ coordinator: { store: unsteady } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5));
    for (const { receipt, closeCode } of reports) {
      expect([receipt?.included, receipt?.opened, closeCode]).toEqual([true, undefined, 4025]);
    }
  });

  it('writes the record of a round beside its result, and only if told to', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'onlysum-results-'));
    const fleet = await start({
      cohort: { min: 3, target: 6, max: 6 },
      coordinator: { resultsDir: directory, exportRounds: true },
    });
    const lostBefore: Readonly<Record<number, number>> = { 2: maskedInput.type, 4: unmasking.type };
    await runDevices(fleet, await enrolDevices(fleet, 6), (i) => ({
      tamper: (sent, bytes, { socket }) => {
        if (sent !== lostBefore[i]) return [bytes];
        socket.terminate();
        return [];
      },
    }));
    await until(() => fleet.results.length === 1);
    const { lanes } = fleet.results[0]!;
    expect(lanes).toEqual(sumLanes(inputs(fleet, [0, 1, 3, 4, 5])));
    const [record = '', result = '', ...others] = (await readdir(directory)).toSorted(
      (a, b) => b.length - a.length,
    );
    expect(others).toEqual([]);
    expect(record).toBe(result.replace(/\.json$/, '.record.json'));
    expect((await stat(join(directory, record))).mode & 0o777).toBe(0o600);
    const parsed = parseRoundRecord(JSON.parse(await readFile(join(directory, record), 'utf8')));
    expect([parsed.selfMasks.length, parsed.maskKeys.length]).toEqual([5, 1]);
    const { revealedPairs, recoveredPairs, ...checked } = verifyRoundRecord(
      suite,
      fleet.task,
      parsed,
    );
    expect(checked).toMatchObject({ lanes, shared: 6, survivors: 5 });
    expect([revealedPairs, recoveredPairs]).toEqual([4, 1]);
    await rm(directory, { recursive: true });
  });

  it('hands a result over, and counts it, when it cannot be written', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'onlysum-results-'));
    const fleet = await start({ coordinator: { resultsDir: directory } });
    await rm(directory, { recursive: true });
    await runDevices(fleet, await enrolDevices(fleet, 5));
    await until(() => fleet.results.length === 1);
    expect(fleet.coordinator.health().unsavedResults).toBe(1);
    expect(fleet.log.lines.filter((line) => line.includes('result not written'))).toHaveLength(3);
  });

  it('counts the payload of the devices, both ways', async () => {
    const fleet = await start();
    let up = 0;
    let down = 0;
    await runDevices(fleet, await enrolDevices(fleet, 5), () => ({
      tap: (direction, bytes) => {
        if (direction === 'up') up += bytes.length;
        // It comes once the result is kept, with what it cost until then.
        else if (decodeFrame(bytes)[0] !== closed.type) down += bytes.length;
      },
    }));
    await until(() => fleet.results.length === 1);
    expect(fleet.results[0]).toMatchObject({ bytesIn: up, bytesOut: down });
    expect(fleet.results[0]!.cpuMs).toBeGreaterThan(0);
  });

  it('publishes signatures that hold over the sets it publishes', async () => {
    const fleet = await start();
    await runDevices(fleet, await enrolDevices(fleet, 5));
    await until(() => fleet.results.length === 1);
    const result = fleet.results[0]!;
    expect(attestationHolds(fleet, result)).toBe(true);
    const other = {
      ...result,
      attested: { ...result.attested, survivorSet: result.attested.survivorSet.replace('f', 'e') },
    };
    expect(other).not.toEqual(result);
    expect(attestationHolds(fleet, other)).toBe(false);
  });

  it('starts another round when a cohort is full, and runs both at once', async () => {
    const fleet = await start({ cohort: { min: 3, target: 4, max: 4 } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 8));
    expect(reports.map(({ receipt }) => receipt?.survivors)).toEqual(new Array(8).fill(4));
    await until(() => fleet.results.length === 2);
    const sums = fleet.results.map(({ lanes }) => lanes);
    expect(sumLanes(sums.map((lanes) => Uint32Array.from(lanes)))).toEqual(
      sumLanes(inputs(fleet, [0, 1, 2, 3, 4, 5, 6, 7])),
    );
  });

  it('serves two tasks, each in rounds of its own', async () => {
    const fleet = await start({
      cohort: { min: 3, target: 3, max: 3 },
      dropout: 0,
      moreTasks: [{ name: 'acme-cli', cohort: { min: 3, target: 3, max: 3 }, dropout: 0 }],
    });
    const second = makeTask(fleet.keys, {
      name: 'acme-cli',
      cohort: { min: 3, target: 3, max: 3 },
      dropout: 0,
    });
    const identities = await enrolDevices(fleet, 6);
    await runDevices(fleet, identities, (i) => (i < 3 ? {} : { task: second }));
    await until(() => fleet.results.length === 2);
    expect(fleet.results.map(({ task }) => task.name).sort()).toEqual(['acme-cli', 'acme-desktop']);
  });

  it('closes a cohort at the deadline with at least min', async () => {
    const fleet = await start({
      dropout: 0,
      cohort: { min: 3, target: 5, max: 5 },
      coordinator: { durations: { gatherMs: 1_500 } },
    });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 4));
    expect(reports.map(({ receipt }) => receipt?.devices)).toEqual([4, 4, 4, 4]);
  });

  it('goes on without a device that the registrar refuses, and says why', async () => {
    const fleet = await start({ cohort: { min: 3, target: 5, max: 5 } });
    const identities = await enrolDevices(fleet, 4);
    const running = runDevices(fleet, identities);
    await until(() => fleet.coordinator.health().gathering === 1);
    const late = await runDevice(fleet, await enrolDevice(fleet));
    expect(late).toMatchObject({ droppedCode: 'not-enrolled-yet', closeCode: 4019 });
    expect(late.retryInMs).toBeGreaterThan(0);
    expect((await running).map(({ receipt }) => receipt?.included)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});

describe('devices that are lost', () => {
  it.each([
    { name: 'before ShareKeys', type: shareKeys.type, stage: 'share-keys', survivors: 5 },
    { name: 'before MaskedInput', type: maskedInput.type, stage: 'masked-input', survivors: 5 },
    { name: 'before Unmasking', type: unmasking.type, stage: undefined, survivors: 6 },
  ])('$name: the sum over the survivors opens', async ({ type, stage, survivors }) => {
    const fleet = await start({ cohort: { min: 3, target: 6, max: 6 } });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 6), (i) =>
      i !== 2
        ? {}
        : {
            tamper: (sent, bytes, { socket }) => {
              if (sent !== type) return [bytes];
              socket.terminate();
              return [];
            },
          },
    );
    await until(() => fleet.results.length === 1);
    const result = fleet.results[0]!;
    const survived = stage === undefined ? [0, 1, 2, 3, 4, 5] : [0, 1, 3, 4, 5];
    expect(result.lanes).toEqual(sumLanes(inputs(fleet, survived)));
    expect(result).toMatchObject({
      devices: 6,
      survivors,
      silentAfterMasked: stage === undefined ? 1 : 0,
      dropped: stage === undefined ? [] : [{ stage, code: 'connection-lost', count: 1 }],
    });
    expect(reports.filter(({ receipt }) => receipt?.opened === true)).toHaveLength(5);
  });

  it('says what to do when too many are lost, and opens nothing', async () => {
    const fleet = await start({ cohort: { min: 3, target: 5, max: 5 }, dropout: 200 });
    const reports = await runDevices(fleet, await enrolDevices(fleet, 5), (i) => ({
      tamper: (sent, bytes, { socket }) => {
        if (sent !== maskedInput.type || i > 1) return [bytes];
        socket.terminate();
        return [];
      },
    }));
    for (const report of reports.slice(2)) {
      expect(report).toMatchObject({ droppedCode: 'round-aborted', closeCode: 4015 });
      expect(report.droppedDetail).toMatch(/^too-many-dropped: .*assumptions\.dropout/);
      expect(report.receipt).toBeUndefined();
    }
    expect(fleet.results).toEqual([]);
    expect(fleet.coordinator.health()).toMatchObject({ opened: 0, aborted: 1 });
  });

  it('lets a device take back its place from a connection that broke unnoticed', async () => {
    const fleet = await start();
    const identities = await enrolDevices(fleet, 5);
    const [first] = identities;
    const older = runDevice(fleet, first!);
    await until(() => fleet.coordinator.health().gathering === 1);
    const reports = await runDevices(fleet, identities);
    expect((await older).droppedCode).toBe('duplicate-device');
    expect(reports.every(({ receipt }) => receipt?.included)).toBe(true);
    expect(fleet.coordinator.health().opened).toBe(1);
  });

  it('ends a round that hits a bug of ours, and no other', async () => {
    let isBroken = false;
    const sha256 = (data: Uint8Array) => {
      if (isBroken) throw new TypeError('broken');
      return suite.sha256(data);
    };
    const fleet = await start({ coordinator: { suite: { ...suite, sha256 } } });
    const identities = await enrolDevices(fleet, 10);
    const broken = await runDevices(fleet, identities.slice(0, 5), () => ({
      tamper: (type, bytes) => {
        isBroken = type === shareKeys.type;
        return [bytes];
      },
    }));
    for (const report of broken) {
      expect(report).toMatchObject({ droppedCode: 'round-aborted', retryInMs: 1000 });
      expect(report.droppedDetail).toMatch(/^internal: /);
      expect(report.droppedDetail).not.toMatch(/broken/);
    }
    expect(fleet.log.lines.join('')).toMatch(/TypeError: broken/);
    isBroken = false;
    const reports = await runDevices(fleet, identities.slice(5));
    expect(reports.every(({ receipt }) => receipt?.opened)).toBe(true);
    expect(fleet.coordinator.health()).toMatchObject({ opened: 1, aborted: 1 });
  });

  it('tells those who wait in vain when the window ends', async () => {
    let nowMs = Date.now();
    const fleet = await start({
      coordinator: { now: () => nowMs, durations: { gatherMs: 100 } },
    });
    let advertised = 0;
    const waiting = runDevices(fleet, await enrolDevices(fleet, 2), () => ({
      tamper: (type, bytes) => {
        if (type === advertiseKeys.type) advertised++;
        return [bytes];
      },
    }));
    await until(() => advertised === 2);
    nowMs += 3_600_000;
    for (const report of await waiting) {
      expect(report.droppedCode).toBe('round-aborted');
      expect(report.droppedDetail).toMatch(/1 more devices were needed/);
    }
  });

  it('refuses a task outside its validity, and says so', async () => {
    const fleet = await start({ validity: { notBeforeMs: 0, notAfterMs: 1 } });
    const report = await runDevice(fleet, await enrolDevice(fleet));
    expect(report).toMatchObject({ droppedCode: 'task-unknown', closeCode: 4007 });
    expect(report.droppedDetail).toMatch(/validity/);
  });
});

function attestationHolds({ task }: Fleet, { attested, round, window }: PublishedResult): boolean {
  const bytes = (name: keyof typeof attested) => {
    const text = String(attested[name]);
    return parseHex(name, text, text.length / 2);
  };
  const { n, k, t, incarnation } = attested;
  const facts = {
    taskId: task.taskId,
    window: window.index,
    incarnation,
    round: parseHex('round', round, 16),
    n,
    k,
    t,
    seed: bytes('seed'),
    root: bytes('root'),
  };
  const context = roundContext(suite, facts);
  const context2 = maskContext(suite, context, bytes('sharedSet'));
  expect(decodeBitmap(bytes('sharedSet'), n, 'U2')).toHaveLength(n);
  const holds = (statement: Uint8Array, name: keyof typeof attested) =>
    suite.ed25519Verify(task.registrarKey, statement, bytes(name));
  return (
    holds(rosterStatement(facts), 'rosterSignature') &&
    holds(sharedSetStatement(context, bytes('sharedSet')), 'sharedSetSignature') &&
    holds(survivorSetStatement(context2, bytes('survivorSet')), 'survivorSetSignature')
  );
}
