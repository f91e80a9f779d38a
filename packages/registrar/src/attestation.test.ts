import { nativeSuite as suite } from '@onlysum/crypto/node';
import {
  type RegistrarRequest,
  type RegistrarResponse,
  encodeBitmap,
  encodeRequest,
  encodeResponse,
  isSignedAuditHead,
  maskContext,
  poolOf,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import {
  COORDINATOR_SEED,
  Coordinator,
  type Device,
  EPOCH_MS,
  type ManifestChanges,
  REGISTRAR_SEED,
  START_MS,
  WINDOW_MS,
  advertise,
  askAttest,
  askHttp,
  enrolDevices,
  makeTask,
  openRegistrar,
  roundId,
  signRequest,
} from '../test/fleet.js';
import { type Registrar, type RunningRegistrar, memoryStore, startRegistrar } from './index.js';

const ALL = [0, 1, 2, 3, 4, 5];
const running: RunningRegistrar[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

interface Scene {
  readonly registrar: Registrar;
  readonly coordinator: Coordinator;
  readonly devices: readonly Device[];
}

// Every refusal, once by the bytes given to `attest` and once over HTTP: nothing may be lost between.
describe.each(['attest', 'HTTP'] as const)('attestation by %s', (way) => {
  /** A server with enrolled devices and an open window. */
  async function scene(changes: ManifestChanges = {}, count = 8): Promise<Scene> {
    const task = makeTask(changes);
    const clock = { nowMs: START_MS };
    const server = await startRegistrar({
      seed: REGISTRAR_SEED,
      tasks: [task],
      epochLengthMs: EPOCH_MS,
      store: memoryStore(),
      now: () => clock.nowMs,
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
    });
    running.push(server);
    const { registrar, url } = server;
    const devices = await enrolDevices(registrar, count);
    const ask = way === 'HTTP' ? askHttp(url) : askAttest(registrar);
    const coordinator = new Coordinator(task, clock, ask);
    expect(await coordinator.openWindow()).toMatchObject({ kind: 'window' });
    return { registrar, coordinator, devices };
  }

  it('attests a window, a roster, U2 and U3 under the registrar’s key', async () => {
    const { registrar, coordinator, devices } = await scene();
    const { task, window, incarnation } = coordinator;
    const opened = await coordinator.openWindow();
    expect(opened).toMatchObject({ announcement: { window, incarnation, enrolled: 8, pools: 1 } });
    const roster = expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
    const { k, t, seed, root } = roster;
    expect({ incarnation: roster.incarnation, k, t }).toEqual({ incarnation, k: 5, t: 3 });
    const round = roundId('a');
    const facts = { taskId: task.taskId, window, incarnation, round, n: 6, k, t, seed, root };
    const isSigned = (statement: Uint8Array, { signature }: { signature: Uint8Array }) =>
      suite.ed25519Verify(registrar.publicKey, statement, signature);
    expect(isSigned(rosterStatement(facts), roster)).toBe(true);
    const sharedSet = encodeBitmap([0, 1, 2, 3, 4], 6);
    const shared = expectSet(await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4]));
    const context = roundContext(suite, facts);
    expect(isSigned(sharedSetStatement(context, sharedSet), shared)).toBe(true);
    const survived = expectSet(await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]));
    const context2 = maskContext(suite, context, sharedSet);
    expect(isSigned(survivorSetStatement(context2, sharedSet), survived)).toBe(true);
  });

  describe('any request', () => {
    it('refuses another signature than that of the manifest’s coordinator', async () => {
      const { coordinator, devices } = await scene();
      const { taskId } = coordinator.task;
      const members = coordinator.members('a', devices.slice(0, 6));
      const unsigned: RegistrarRequest[] = [
        signRequest({ kind: 'window', taskId, window: coordinator.window }, REGISTRAR_SEED),
        { ...coordinator.rosterRequest('a', members), signature: new Uint8Array(64) },
      ];
      for (const request of unsigned) {
        expectRefused(await coordinator.ask(request), 'request-signature');
      }
      // The round must be known, or another refusal would hide this one.
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      const set = { round: roundId('a'), members: encodeBitmap(ALL, 6) };
      for (const kind of ['shared-set', 'survivor-set'] as const) {
        const forged = signRequest({ kind, ...set }, REGISTRAR_SEED);
        expectRefused(await coordinator.ask(forged), 'request-signature');
        expectSet(await coordinator.ask(signRequest({ kind, ...set })));
      }
      const close = signRequest({ kind: 'close', round: roundId('a') }, REGISTRAR_SEED);
      expectRefused(await coordinator.ask(close), 'request-signature');
    });

    it('refuses a signature made for another request', async () => {
      const { coordinator, devices } = await scene();
      const members = coordinator.members('a', devices.slice(0, 6));
      const request = coordinator.rosterRequest('a', members);
      const changed = { ...request, members: members.slice(0, 5) } as RegistrarRequest;
      expectRefused(await coordinator.ask(changed), 'request-signature');
      const longer = { ...request, lifetimeMs: 70_000 } as RegistrarRequest;
      expectRefused(await coordinator.ask(longer), 'request-signature');
    });

    it('refuses an unknown task and an unknown round', async () => {
      const { coordinator } = await scene();
      const taskId = new Uint8Array(32).fill(9);
      const { window } = coordinator;
      const request = signRequest({ kind: 'window', taskId, window });
      expectRefused(await coordinator.ask(request), 'task-unknown');
      expectRefused(await coordinator.set('shared-set', 'x', 6, ALL), 'round-unknown');
      expectRefused(await coordinator.set('survivor-set', 'x', 6, ALL), 'round-unknown');
      expectRefused(await coordinator.close('x'), 'round-unknown');
    });
  });

  describe('window', () => {
    it('announces only the present one, give or take a minute', async () => {
      const { coordinator } = await scene();
      const { window } = coordinator;
      for (const other of [window - 1, window + 1, 0]) {
        expectRefused(await coordinator.openWindow(other), 'window-not-now');
      }
      coordinator.clock.nowMs = (window + 1) * WINDOW_MS - 59_000;
      expect(await coordinator.openWindow(window + 1)).toMatchObject({ kind: 'window' });
      coordinator.clock.nowMs = (window + 2) * WINDOW_MS - 61_000;
      expectRefused(await coordinator.openWindow(window + 2), 'window-not-now');
    });

    it('is announced once: again the same bytes, whoever enrolled or left meanwhile', async () => {
      const { coordinator, registrar, devices } = await scene();
      const first = encodeResponse(await coordinator.openWindow());
      await enrolDevices(registrar, 5, 'later');
      await registrar.revoke(Buffer.from(devices[0]?.pseudonym ?? []).toString('hex'));
      expect(encodeResponse(await coordinator.openWindow())).toEqual(first);
    });

    it('refuses a task outside its validity', async () => {
      const validity = { notBeforeMs: 0, notAfterMs: START_MS + WINDOW_MS };
      const { coordinator, devices } = await scene({ validity });
      coordinator.clock.nowMs += WINDOW_MS;
      expectRefused(await coordinator.openWindow(), 'task-not-valid');
      expectRefused(await coordinator.roster('a', devices.slice(0, 6)), 'task-not-valid');
    });

    it('is not open before it was announced', async () => {
      const { coordinator, devices } = await scene();
      coordinator.clock.nowMs += WINDOW_MS;
      expectRefused(await coordinator.roster('a', devices.slice(0, 6)), 'window-not-open');
    });
  });

  describe('roster', () => {
    it('is given again byte for byte, also after its window and its close', async () => {
      const { coordinator, devices } = await scene();
      const members = coordinator.members('a', devices.slice(0, 6));
      const request = coordinator.rosterRequest('a', members);
      const [first, second] = await Promise.all([
        coordinator.ask(request),
        coordinator.ask(request),
      ]);
      expectRoster(first);
      expect(encodeResponse(second)).toEqual(encodeResponse(first));
      await coordinator.close('a');
      coordinator.clock.nowMs += WINDOW_MS;
      expect(encodeResponse(await coordinator.ask(request))).toEqual(encodeResponse(first));
    });

    it('refuses another roster under a known round id', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectRefused(await coordinator.roster('a', devices.slice(1, 7)), 'round-known');
      const members = coordinator.members('a', devices.slice(0, 6));
      const longer = coordinator.rosterRequest('a', members, { lifetimeMs: 61_000 });
      expectRefused(await coordinator.ask(longer), 'round-known');
      const reordered = coordinator.rosterRequest('a', members.toReversed());
      expectRefused(await coordinator.ask(reordered), 'round-known');
    });

    it('signs one of two rosters asked for at once', async () => {
      const { coordinator, devices } = await scene();
      const answers = await Promise.all([
        coordinator.roster('a', devices.slice(0, 6)),
        coordinator.roster('a', devices.slice(1, 7)),
        coordinator.roster('a', devices.slice(0, 6)),
      ]);
      expect(answers.map(({ kind }) => kind)).toEqual(['roster', 'refused', 'roster']);
      expect(answers[1]).toMatchObject({ code: 'round-known' });
      expect(encodeResponse(answers[2]!)).toEqual(encodeResponse(answers[0]!));
    });

    it('refuses a window that is not now', async () => {
      const { coordinator, devices } = await scene();
      const { window } = coordinator;
      const members = coordinator.members('a', devices.slice(0, 6));
      coordinator.clock.nowMs += WINDOW_MS;
      const late = coordinator.rosterRequest('a', members, { window });
      expectRefused(await coordinator.ask(late), 'window-not-now');
    });

    it('refuses a cohort below min and above max', async () => {
      const { coordinator, devices } = await scene({}, 9);
      expectRefused(await coordinator.roster('a', devices.slice(0, 4)), 'cohort-size');
      expectRefused(await coordinator.roster('b', devices), 'cohort-size');
      expectRoster(await coordinator.roster('c', devices.slice(0, 5)));
    });

    it('refuses a cohort for which no threshold is safe', async () => {
      const assumptions = { corrupt: 600, dropout: 300, population: 10_000 };
      const { coordinator, devices } = await scene({ assumptions });
      expectRefused(await coordinator.roster('a', devices.slice(0, 6)), 'parameters-infeasible');
    });

    it('refuses a pool that may hold more colluders than corrupt covers', async () => {
      // ⌈0.2 · 8⌉ = 2 colluders among the enrolled, A = ⌈0.01 · 6⌉ = 1.
      const assumptions = { corrupt: 10, dropout: 200, population: 200_000 };
      const { coordinator, devices } = await scene({ assumptions });
      expectRefused(await coordinator.roster('a', devices.slice(0, 6)), 'pool-not-covered');
      const covered = { ...assumptions, corrupt: 200 };
      const other = await scene({ assumptions: covered });
      expectRoster(await other.coordinator.roster('a', other.devices.slice(0, 6)));
    });

    it('refuses members of two pools, and takes those of one', async () => {
      const cohort = { min: 3, target: 3, max: 3 };
      const { coordinator, devices } = await scene({ cohort }, 18);
      const opened = await coordinator.openWindow();
      if (opened.kind !== 'window') throw new Error(opened.kind);
      const { value, pools } = opened.announcement;
      expect(pools).toBe(2);
      const inPool = (pool: number) =>
        devices.filter(({ pseudonym }) => poolOf(suite, value, pseudonym, pools) === pool);
      const [first, second] = [inPool(0), inPool(1)];
      expect(Math.min(first.length, second.length)).toBeGreaterThanOrEqual(3);
      const mixed = [...first.slice(0, 2), ...second.slice(0, 1)];
      expectMember(await coordinator.roster('a', mixed), 2, 'other-pool');
      expectRoster(await coordinator.roster('b', first.slice(0, 3)));
      expectRoster(await coordinator.roster('c', second.slice(0, 3)));
    });

    describe('member', () => {
      it('refuses an advertisement for another incarnation', async () => {
        const { coordinator, devices } = await scene();
        const incarnation = coordinator.incarnation - 1;
        const members = coordinator.members('a', devices.slice(0, 6), { 2: { incarnation } });
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 2, 'advertisement-refused');
      });

      it('refuses advertisements from before a new incarnation', async () => {
        const { coordinator, registrar, devices } = await scene();
        const before = coordinator.incarnation;
        const stale = coordinator.members('a', devices.slice(0, 6));
        coordinator.clock.nowMs += 1000;
        const after = await registrar.newIncarnation();
        expect(after).toBeGreaterThan(before);
        const request = coordinator.rosterRequest('a', stale);
        expectRefused(await coordinator.ask(request), 'window-not-open');
        await coordinator.openWindow();
        const answer = await coordinator.ask(request);
        expectRefused(answer, 'members-refused');
        expect(answer).toMatchObject({
          members: ALL.map((index) => ({ index, code: 'advertisement-refused' })),
        });
        expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      });

      it.each([
        ['round', { round: roundId('other') }],
        ['task', { taskId: new Uint8Array(32).fill(8) }],
        ['window', { window: 1 }],
      ])('refuses an advertisement for another %s', async (_, other) => {
        const { coordinator, devices } = await scene();
        const { task, window, incarnation } = coordinator;
        const facts = { taskId: task.taskId, window, incarnation, round: roundId('a') };
        const members = coordinator.members('a', devices.slice(0, 6));
        members[4] = advertise(devices[4]!, { ...facts, ...other });
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 4, 'advertisement-refused');
      });

      it('refuses keys that the pseudonym did not sign', async () => {
        const { coordinator, devices } = await scene();
        const members = coordinator.members('a', devices.slice(0, 6));
        members[1] = { ...members[1]!, s: suite.x25519PublicKey(new Uint8Array(32).fill(7)) };
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 1, 'advertisement-refused');
      });

      it('refuses a certificate that the registrar did not sign', async () => {
        const { coordinator, devices } = await scene();
        const forged = devices[3]!.certificate.signature.slice();
        forged[0]! ^= 1;
        const certificate = { ...devices[3]!.certificate, signature: forged };
        const members = coordinator.members('a', devices.slice(0, 6));
        members[3] = { ...members[3]!, certificate };
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 3, 'certificate-refused');
      });

      it('refuses a revoked certificate', async () => {
        const { coordinator, registrar, devices } = await scene();
        await registrar.revoke(Buffer.from(devices[5]!.pseudonym).toString('hex'));
        const answer = await coordinator.roster('a', devices.slice(0, 6));
        expectMember(answer, 5, 'certificate-refused');
        expectRoster(await coordinator.roster('a', devices.slice(0, 5)));
      });

      it('refuses a certificate of another epoch', async () => {
        const { coordinator, devices } = await scene();
        coordinator.clock.nowMs += EPOCH_MS;
        await coordinator.openWindow();
        const answer = await coordinator.roster('a', devices.slice(0, 6));
        expectRefused(answer, 'members-refused');
        expect(answer).toMatchObject({
          members: ALL.map((index) => ({ index, code: 'certificate-refused' })),
        });
      });

      it('refuses who enrolled after the window was frozen, until the next window', async () => {
        const { coordinator, registrar, devices } = await scene();
        const [late] = await enrolDevices(registrar, 1, 'late');
        const members = [...devices.slice(0, 5), late!];
        expectMember(await coordinator.roster('a', members), 5, 'not-enrolled-yet');
        coordinator.clock.nowMs += WINDOW_MS;
        await coordinator.openWindow();
        expectRoster(await coordinator.roster('a', members));
      });

      it('refuses a device that is there twice', async () => {
        const { coordinator, devices } = await scene();
        const twice = [...devices.slice(0, 5), devices[0]!];
        const other = suite.x25519PublicKey(new Uint8Array(32).fill(6));
        const another = suite.x25519PublicKey(new Uint8Array(32).fill(5));
        const members = coordinator.members('a', twice, { 5: { c: other, s: another } });
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 5, 'duplicate-device');
      });

      it('refuses a device whose attempts are exhausted, until the next window', async () => {
        const { coordinator, devices } = await scene({ attempts: 2 });
        for (const name of ['a', 'b']) {
          expectRoster(await coordinator.roster(name, devices.slice(0, 6)));
          await coordinator.close(name);
        }
        const answer = await coordinator.roster('c', [...devices.slice(5), ...devices.slice(0, 3)]);
        expectRefused(answer, 'members-refused');
        expect(answer).toMatchObject({
          members: [0, 3, 4, 5].map((index) => ({ index, code: 'attempts-exhausted' })),
        });
        coordinator.clock.nowMs += WINDOW_MS;
        await coordinator.openWindow();
        expectRoster(await coordinator.roster('d', devices.slice(0, 6)));
      });

      it('counts no attempt for a refused roster', async () => {
        const { coordinator, devices } = await scene({ attempts: 1 });
        const twice = [...devices.slice(0, 5), devices[0]!];
        for (const name of ['a', 'b']) {
          expectRefused(await coordinator.roster(name, twice), 'members-refused');
        }
        expectRoster(await coordinator.roster('c', devices.slice(0, 6)));
      });

      it('refuses who is in an attested U3 of the window, also under a new incarnation', async () => {
        const { coordinator, registrar, devices } = await scene();
        expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
        expectSet(await coordinator.set('shared-set', 'a', 6, ALL));
        expectSet(await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]));
        const next = devices.slice(4, 8).concat(devices.slice(0, 1));
        const included = [0, 4].map((index) => ({ index, code: 'already-included' }));
        expect(await coordinator.roster('b', next)).toMatchObject({ members: included });
        await registrar.newIncarnation();
        await coordinator.openWindow();
        expect(await coordinator.roster('c', next)).toMatchObject({ members: included });
        coordinator.clock.nowMs += WINDOW_MS;
        await coordinator.openWindow();
        expectRoster(await coordinator.roster('d', next));
      });

      it('is free again after its roster’s U3, if it did not survive', async () => {
        const { coordinator, devices } = await scene({}, 10);
        expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
        expectSet(await coordinator.set('shared-set', 'a', 6, ALL));
        expectSet(await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]));
        expectRoster(await coordinator.roster('b', devices.slice(5, 10)));
      });

      it('refuses who is in an open roster; the close frees them', async () => {
        const { coordinator, devices } = await scene();
        expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
        const next = [...devices.slice(5, 8), ...devices.slice(0, 2)];
        const answer = await coordinator.roster('b', next);
        expect(answer).toMatchObject({
          code: 'members-refused',
          members: [0, 3, 4].map((index) => ({ index, code: 'in-open-roster' })),
        });
        expect(await coordinator.close('a')).toEqual({ kind: 'closed' });
        expectRoster(await coordinator.roster('b', next));
      });

      it('is freed by the roster’s deadline, and not before', async () => {
        const { coordinator, devices } = await scene();
        expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
        coordinator.clock.nowMs += 60_000;
        expectRefused(await coordinator.roster('b', devices.slice(0, 5)), 'members-refused');
        coordinator.clock.nowMs += 1;
        expectRoster(await coordinator.roster('b', devices.slice(0, 5)));
      });

      // RFC 7748: p = 2^255 − 19. Little-endian, p + 9 is the base point written non-canonically.
      const nonCanonical = Uint8Array.from([0xf6, ...new Array<number>(30).fill(0xff), 0x7f]);
      const topBit = suite.x25519PublicKey(new Uint8Array(32).fill(4));
      topBit[31]! |= 0x80;
      it.each([
        ['non-canonical c', { c: nonCanonical }],
        ['non-canonical s', { s: nonCanonical }],
        ['s with its top bit set', { s: topBit }],
        ['low-order c', { c: new Uint8Array(32) }],
        ['low-order s', { s: Uint8Array.from([1, ...new Array<number>(31).fill(0)]) }],
      ])('refuses a %s', async (_, keys) => {
        const { coordinator, devices } = await scene();
        const members = coordinator.members('a', devices.slice(0, 6), { 0: keys });
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expectMember(answer, 0, 'key-refused');
      });

      it('refuses a key that another member, or the other role, has', async () => {
        const { coordinator, devices } = await scene();
        const { c, s } = coordinator.members('a', devices.slice(0, 6))[1]!;
        for (const copied of [{ c }, { s }, { c: s }, { s: c }]) {
          const members = coordinator.members('a', devices.slice(0, 6), { 4: copied });
          const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
          expectMember(answer, 4, 'key-repeated');
        }
        const members = coordinator.members('a', devices.slice(0, 6), { 0: { c: s, s } });
        const answer = await coordinator.ask(coordinator.rosterRequest('a', members));
        expect(answer).toMatchObject({ members: [{ index: 0, code: 'key-repeated' }] });
      });
    });
  });

  describe('U2', () => {
    it('is given again under the same signature, and refused for another set', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      const first = expectSet(await coordinator.set('shared-set', 'a', 6, ALL));
      const other = await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4]);
      expectRefused(other, 'set-known');
      await coordinator.close('a');
      const again = expectSet(await coordinator.set('shared-set', 'a', 6, ALL));
      expect(again.signature).toEqual(first.signature);
    });

    it('signs one of two sets asked for at once', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      const answers = await Promise.all([
        coordinator.set('shared-set', 'a', 6, ALL),
        coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4]),
        coordinator.set('shared-set', 'a', 6, [1, 2, 3, 4, 5]),
      ]);
      expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['refused', 'refused', 'set']);
    });

    it('refuses a set below n − D', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      const answer = await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3]);
      expectRefused(answer, 'set-too-small');
      expectSet(await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4]));
    });

    it('refuses a set in which a member has fewer than t neighbours', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectRefused(await coordinator.set('shared-set', 'a', 6, [0, 1, 2]), 'set-too-thin');
    });

    it('refuses a set beyond the roster', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      const padding = await coordinator.set('shared-set', 'a', 7, [0, 1, 2, 3, 4, 6]);
      expectRefused(padding, 'set-not-nested');
      const longer = await coordinator.set('shared-set', 'a', 9, ALL);
      expectRefused(longer, 'set-not-nested');
    });

    it('refuses a closed roster, one past its deadline, one of an earlier incarnation', async () => {
      const { coordinator, registrar, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      await coordinator.close('a');
      expectRefused(await coordinator.set('shared-set', 'a', 6, ALL), 'roster-closed');
      expectRoster(await coordinator.roster('b', devices.slice(0, 6)));
      coordinator.clock.nowMs += 60_001;
      expectRefused(await coordinator.set('shared-set', 'b', 6, ALL), 'roster-closed');
      expectRoster(await coordinator.roster('c', devices.slice(0, 6)));
      await registrar.newIncarnation();
      expectRefused(await coordinator.set('shared-set', 'c', 6, ALL), 'roster-closed');
    });
  });

  describe('U3', () => {
    async function shared(changes: ManifestChanges = {}): Promise<Coordinator> {
      const { coordinator, devices } = await scene(changes);
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectSet(await coordinator.set('shared-set', 'a', 6, [0, 1, 2, 3, 4]));
      return coordinator;
    }

    it('is signed again as it was, with the present audit head, and refused for another set', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectSet(await coordinator.set('shared-set', 'a', 6, ALL));
      const first = expectSet(await coordinator.set('survivor-set', 'a', 6, ALL));
      const other = await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]);
      expectRefused(other, 'set-known');
      const repeated = expectSet(await coordinator.set('survivor-set', 'a', 6, ALL));
      expect(repeated.signature).toEqual(first.signature);
      // The refusal in between is in the log by then.
      expect(repeated.auditHead!.sequence).toBe(first.auditHead!.sequence + 1);
      const { registrarKey } = coordinator.task;
      for (const { auditHead } of [first, repeated]) {
        const round = roundId('a');
        expect(isSignedAuditHead(suite, registrarKey, 'registrar', round, auditHead!)).toBe(true);
      }
    });

    it('refuses to come before U2', async () => {
      const { coordinator, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectRefused(await coordinator.set('survivor-set', 'a', 6, ALL), 'set-too-early');
    });

    it('refuses a device outside U2', async () => {
      const coordinator = await shared();
      const stranger = await coordinator.set('survivor-set', 'a', 6, [1, 2, 3, 4, 5]);
      expectRefused(stranger, 'set-not-nested');
      expectRefused(await coordinator.set('survivor-set', 'a', 6, ALL), 'set-not-nested');
      expectSet(await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]));
    });

    it('refuses a set below n − D', async () => {
      const coordinator = await shared();
      const answer = await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3]);
      expectRefused(answer, 'set-too-small');
    });

    it('refuses a set in which a member has fewer than t neighbours', async () => {
      const coordinator = await shared();
      const answer = await coordinator.set('survivor-set', 'a', 6, [0, 1, 2]);
      expectRefused(answer, 'set-too-thin');
    });

    it('refuses a set below minSurvivors', async () => {
      const cohort = { min: 6, target: 6, max: 8 };
      const coordinator = await shared({ cohort, minSurvivors: 6 });
      const answer = await coordinator.set('survivor-set', 'a', 6, [0, 1, 2, 3, 4]);
      expectRefused(answer, 'set-too-small');
    });

    it('refuses a closed roster, one past its deadline, one of an earlier incarnation', async () => {
      const five = [0, 1, 2, 3, 4];
      const closed = await shared();
      await closed.close('a');
      expectRefused(await closed.set('survivor-set', 'a', 6, five), 'roster-closed');
      const late = await shared();
      late.clock.nowMs += 60_001;
      expectRefused(await late.set('survivor-set', 'a', 6, five), 'roster-closed');
      const { coordinator, registrar, devices } = await scene();
      expectRoster(await coordinator.roster('a', devices.slice(0, 6)));
      expectSet(await coordinator.set('shared-set', 'a', 6, five));
      await registrar.newIncarnation();
      expectRefused(await coordinator.set('survivor-set', 'a', 6, five), 'roster-closed');
    });
  });
});

describe('attest', () => {
  it('throws for bytes that are no request', async () => {
    const { registrar } = await openRegistrar([makeTask()]);
    const request = signRequest({ kind: 'close', round: roundId('a') }, COORDINATOR_SEED);
    const bytes = encodeRequest(request);
    const hostile = [
      new Uint8Array(0),
      Uint8Array.from([0xc0]),
      bytes.subarray(0, bytes.length - 1),
      Uint8Array.from([...bytes, 0]),
      encodeResponse({ kind: 'closed' }),
    ];
    for (const wrong of hostile) {
      await expect(registrar.attest(wrong)).rejects.toMatchObject({ code: 'wire-invalid' });
    }
    await expect(registrar.attest(bytes)).resolves.toBeInstanceOf(Uint8Array);
  });

  it('refuses a roster that was verified before a new incarnation and is decided after it', async () => {
    const task = makeTask();
    const { registrar, clock } = await openRegistrar([task]);
    const devices = await enrolDevices(registrar, 6);
    const coordinator = new Coordinator(task, clock, askAttest(registrar));
    await coordinator.openWindow();
    // Verifying gives way to others once: that is when the incarnation changes and its window opens.
    const deciding = coordinator.roster('a', devices);
    const before = coordinator.incarnation;
    await registrar.newIncarnation();
    await coordinator.openWindow();
    expect(coordinator.incarnation).toBeGreaterThan(before);
    expectRefused(await deciding, 'roster-closed');
  });

  it('verifies no member of a request that the coordinator did not sign', async () => {
    let verified = 0;
    const counting = {
      ...suite,
      ed25519Verify: (...given: Parameters<typeof suite.ed25519Verify>) => {
        verified++;
        return suite.ed25519Verify(...given);
      },
    };
    const task = makeTask();
    const { registrar, clock } = await openRegistrar([task], memoryStore(), counting);
    const devices = await enrolDevices(registrar, 6);
    const coordinator = new Coordinator(task, clock, askAttest(registrar));
    await coordinator.openWindow();
    const request = coordinator.rosterRequest('a', coordinator.members('a', devices));
    verified = 0;
    const forged = { ...request, signature: new Uint8Array(64) };
    expectRefused(await coordinator.ask(forged), 'request-signature');
    expect(verified).toBe(1);
    expectRoster(await coordinator.ask(request));
    expect(verified).toBe(1 + 1 + 2 * 6);
  });
});

function expectRefused(response: RegistrarResponse, code: string): void {
  expect(response).toMatchObject({ kind: 'refused', code });
}

function expectMember(response: RegistrarResponse, index: number, code: string): void {
  expectRefused(response, 'members-refused');
  expect(response).toMatchObject({ members: [{ index, code }] });
}

function expectRoster(response: RegistrarResponse) {
  if (response.kind !== 'roster') throw new Error(JSON.stringify(response));
  return response;
}

function expectSet(response: RegistrarResponse) {
  if (response.kind !== 'set') throw new Error(JSON.stringify(response));
  return response;
}
