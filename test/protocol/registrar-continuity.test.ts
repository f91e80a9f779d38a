/** What the registrar must hold over epochs and clocks: how many may collude, and that what is closed stays closed. */
import { type Suite, runDerive, toHex, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  type Certificate,
  MemoryLedger,
  type RegistrarParams,
  type RegistrarRequest,
  type UnsignedRequest,
  answerRequest,
  checkRequest,
  encodeBitmap,
  enrol,
  enrolChecks,
  enrolmentStatement,
  makeCodes,
  newIncarnation,
  refusal,
  renew,
  renewChecks,
  renewalStatement,
  requestSigning,
} from '@onlysum/protocol';
import { syntheticTask } from '@onlysum/simulator';
import { describe, expect, it } from 'vitest';
import { advertiseStatement } from '../../packages/protocol/src/device/advertise.js';

const suite: Suite = nativeSuite;
const HOUR_MS = 3_600_000;
const EPOCH_MS = 24 * HOUR_MS;
const START_MS = 100 * EPOCH_MS + 1000;

interface Device {
  seed: Uint8Array;
  certificate: Certificate;
}

describe('the colluders that a pool is reckoned to hold', () => {
  it('are a share of all enrolments, also when few have renewed for a new epoch', () => {
    // 10 % of 60 enrolments may collude; a cohort of ten covers one. All six may have renewed first.
    const registrar = world(
      { min: 10, target: 10, max: 10 },
      { corrupt: 100, population: 100_000 },
    );
    const devices = Array.from({ length: 60 }, () => registrar.enrolDevice());
    registrar.nowMs += EPOCH_MS;
    const renewed = devices.slice(0, 10).map((device) => registrar.renewDevice(device));
    const answer = registrar.roster(renewed, 'aa', HOUR_MS);
    expect(answer).toMatchObject({ kind: 'refused', code: 'pool-not-covered' });
  });

  it('are covered when the enrolments are few', () => {
    const registrar = world(
      { min: 10, target: 10, max: 10 },
      { corrupt: 100, population: 100_000 },
    );
    const devices = Array.from({ length: 10 }, () => registrar.enrolDevice());
    expect(registrar.roster(devices, 'aa', HOUR_MS).kind).toBe('roster');
  });
});

describe('a roster whose members have gone on to another', () => {
  it('stays closed when the clock steps back', () => {
    const registrar = world({ min: 3, target: 3, max: 3 }, { corrupt: 10, population: 1000 });
    const devices = [0, 1, 2].map(() => registrar.enrolDevice());
    const everyone = encodeBitmap([0, 1, 2], 3);
    expect(registrar.roster(devices, 'aa', 10_000).kind).toBe('roster');
    const set = (kind: 'shared-set' | 'survivor-set', id: string) =>
      registrar.ask({ kind, round: roundId(id), members: everyone });
    expect(set('shared-set', 'aa').kind).toBe('set');
    registrar.nowMs += 11_000;
    expect(registrar.roster(devices, 'bb', 10_000).kind).toBe('roster');
    expect(set('shared-set', 'bb').kind).toBe('set');
    expect(set('survivor-set', 'bb').kind).toBe('set');
    registrar.nowMs -= 6_000;
    expect(set('survivor-set', 'aa')).toMatchObject({ kind: 'refused', code: 'roster-closed' });
  });
});

function roundId(id: string): Uint8Array {
  return new Uint8Array(16).fill(Number.parseInt(id, 16));
}

/** A registrar on a ledger in memory, and its clock. */
function world(
  cohort: { min: number; target: number; max: number },
  assumptions: { corrupt: number; population: number },
) {
  const rng = unsafeSeededRng('continuity');
  const { task, registrarSeed, coordinatorSeed } = syntheticTask(
    {
      cohort,
      assumptions: { ...assumptions, dropout: 0 },
      minSurvivors: 2,
      attempts: 3,
      bounds: [1],
    },
    suite,
    rng,
  );
  const params: RegistrarParams = {
    seed: registrarSeed,
    publicKey: task.registrarKey,
    epochLengthMs: EPOCH_MS,
    tasks: new Map([[toHex(task.taskId), task]]),
  };
  const ledger = new MemoryLedger();
  const context = () => ({ suite, rng, nowMs: self.nowMs });
  const self = {
    nowMs: START_MS,

    enrolDevice(): Device {
      const seed = rng(32);
      const pseudonym = suite.ed25519PublicKey(seed);
      const [code = ''] = makeCodes(ledger, 1, HOUR_MS, context());
      const statement = enrolmentStatement(params.publicKey, code, pseudonym);
      const request = { code, pseudonym, proof: suite.ed25519Sign(seed, statement) };
      const results = runDerive(suite, enrolChecks(request, params));
      return { seed, certificate: enrol(ledger, request, results, params, context()) };
    },

    renewDevice({ seed: old, certificate: { pseudonym: previous } }: Device): Device {
      const seed = rng(32);
      const pseudonym = suite.ed25519PublicKey(seed);
      const fresh = { previous, pseudonym, epoch: Math.floor(self.nowMs / EPOCH_MS) };
      const statement = renewalStatement(params.publicKey, fresh);
      const authorisation = suite.ed25519Sign(old, statement);
      const request = { ...fresh, authorisation, proof: suite.ed25519Sign(seed, statement) };
      const results = runDerive(suite, renewChecks(request, params));
      return { seed, certificate: renew(ledger, request, results, params, context()) };
    },

    roster(devices: readonly Device[], id: string, lifetimeMs: number) {
      const window = Math.floor(self.nowMs / HOUR_MS);
      const opened = self.ask({ kind: 'window', taskId: task.taskId, window });
      if (opened.kind !== 'window') return opened;
      const round = roundId(id);
      const members = devices.map(({ seed, certificate }) => {
        const c = suite.x25519PublicKey(rng(32));
        const s = suite.x25519PublicKey(rng(32));
        const statement = advertiseStatement(task.taskId, opened.announcement, round, { c, s });
        return { certificate, c, s, signature: suite.ed25519Sign(seed, statement) };
      });
      return self.ask({ kind: 'roster', taskId: task.taskId, window, round, lifetimeMs, members });
    },

    ask(unsigned: UnsignedRequest) {
      const [signature] = runDerive(suite, [requestSigning(unsigned, coordinatorSeed)]);
      const request = { ...unsigned, signature } as RegistrarRequest;
      const checks = checkRequest(ledger, request, params);
      if ('kind' in checks) return checks;
      const results = runDerive(suite, [checks.own, ...checks.members()]);
      try {
        return answerRequest(ledger, request, checks, results, params, context());
      } catch (error) {
        return refusal(error);
      }
    },
  };
  newIncarnation(ledger, context());
  return self;
}
