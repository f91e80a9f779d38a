import { LABELS, type Suite, UsageError, encodeLabelled, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { type RenewRequest, certificateCheck, revoke } from '@onlysum/protocol';
import { describe, expect, it } from 'vitest';
import {
  EPOCH_MS,
  REGISTRAR_SEED,
  START_MS,
  deviceSeed,
  enrolDevices,
  enrolRequest,
  makeTask,
  openRegistrar,
} from '../test/fleet.js';
import {
  type RegistrarOptions,
  createRegistrar,
  memoryStore,
  revocationsStatement,
} from './index.js';
import { REVOCATIONS_FRESH_MS } from './revocations.js';

const EPOCH = Math.floor(START_MS / EPOCH_MS);

function options(changes: Partial<RegistrarOptions> = {}): RegistrarOptions {
  const store = memoryStore();
  return { seed: REGISTRAR_SEED, tasks: [], epochLengthMs: EPOCH_MS, store, ...changes };
}

function isSigned(publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean {
  return suite.ed25519Verify(publicKey, statement, signature);
}

describe('createRegistrar', () => {
  it('refuses a task of another registrar and names it', async () => {
    const registrar = toHex(suite.ed25519PublicKey(new Uint8Array(32).fill(8)));
    const tasks = [makeTask(), makeTask({ name: 'stray', registrar })];
    const opening = createRegistrar(options({ tasks }));
    await expect(opening).rejects.toBeInstanceOf(UsageError);
    await expect(opening).rejects.toMatchObject({
      code: 'task-mismatch',
      field: 'tasks[1] (stray version 1).registrar',
      got: registrar,
    });
  });

  it('refuses a task of another epoch length and names it', async () => {
    const tasks = [makeTask({ name: 'hourly', epoch: { lengthMs: EPOCH_MS / 2 } })];
    await expect(createRegistrar(options({ tasks }))).rejects.toMatchObject({
      code: 'task-mismatch',
      field: 'tasks[0] (hourly version 1).epoch.lengthMs',
      got: String(EPOCH_MS / 2),
    });
  });

  it.each([
    ['seed', { seed: new Uint8Array(31) }],
    ['epochLengthMs', { epochLengthMs: 999 }],
    ['epochLengthMs', { epochLengthMs: 1500.5 }],
  ])('refuses a wrong %s', async (field, wrong) => {
    const opening = createRegistrar(options(wrong));
    await expect(opening).rejects.toMatchObject({ code: 'argument-invalid', field });
  });

  it('refuses a store that another key has signed from, and takes its own again', async () => {
    const store = memoryStore();
    const { incarnation } = (await createRegistrar(options({ store, now: () => 1000 }))).health();
    const seed = new Uint8Array(32).fill(9);
    await expect(createRegistrar(options({ store, seed }))).rejects.toMatchObject({
      code: 'store-mismatch',
      field: 'store',
    });
    const again = await createRegistrar(options({ store }));
    // Opening again is no doubt about continuity.
    expect(again.health().incarnation).toBe(incarnation);
  });

  it('starts the first incarnation, and a later one only when told to', async () => {
    const store = memoryStore();
    const { registrar, clock } = await openRegistrar([], store);
    expect(registrar.health()).toEqual({
      status: 'ok',
      role: 'registrar',
      nowMs: START_MS,
      uptimeMs: expect.any(Number) as number,
      incarnation: START_MS,
      epoch: EPOCH,
      enrolled: 0,
      tasks: [],
    });
    clock.nowMs += 5000;
    expect(await registrar.newIncarnation()).toBe(START_MS + 5000);
    clock.nowMs -= 10_000;
    expect(await registrar.newIncarnation()).toBe(START_MS + 5001);
    expect(registrar.health().incarnation).toBe(START_MS + 5001);
  });
});

describe('enrolment', () => {
  it('gives a certificate of this epoch for a code, and the same one again', async () => {
    const { registrar, clock } = await openRegistrar([]);
    const [code = ''] = await registrar.makeCodes(1, 1000);
    const request = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    const certificate = await registrar.enrol(request);
    expect(certificate).toMatchObject({ epoch: EPOCH, epochLengthMs: EPOCH_MS });
    const check = certificateCheck(registrar.publicKey, certificate);
    if (check.op !== 'ed25519-verify') throw new Error(check.op);
    expect(isSigned(check.publicKey, check.message, check.signature)).toBe(true);
    clock.nowMs += 5000;
    expect(await registrar.enrol(request)).toEqual(certificate);
    expect(registrar.health().enrolled).toBe(1);
  });

  it('refuses a used code to another pseudonym', async () => {
    const { registrar } = await openRegistrar([]);
    const [code = ''] = await registrar.makeCodes(1, 1000);
    const requests = ['a', 'b'].map((name) =>
      enrolRequest(registrar.publicKey, code, deviceSeed(name)),
    );
    const [first, second] = await Promise.allSettled(requests.map((r) => registrar.enrol(r)));
    expect(first?.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'code-used' } });
    expect(registrar.health().enrolled).toBe(1);
    // Nor to one that is enrolled by a code of its own.
    await enrolDevices(registrar, 1, 'c');
    const third = registrar.enrol(enrolRequest(registrar.publicKey, code, deviceSeed('c 0')));
    await expect(third).rejects.toMatchObject({ code: 'code-used' });
  });

  it('refuses an unknown code and an expired one', async () => {
    const { registrar, clock } = await openRegistrar([]);
    const unknown = enrolRequest(registrar.publicKey, 'no-such-code', deviceSeed('a'));
    await expect(registrar.enrol(unknown)).rejects.toMatchObject({ code: 'code-invalid' });
    const [code = ''] = await registrar.makeCodes(1, 1000);
    clock.nowMs += 1000;
    const late = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    await expect(registrar.enrol(late)).rejects.toMatchObject({ code: 'code-invalid' });
    clock.nowMs -= 1;
    await expect(registrar.enrol(late)).resolves.toMatchObject({ epoch: EPOCH });
  });

  it('refuses a proof of another key, code or registrar, and leaves the code unused', async () => {
    const { registrar } = await openRegistrar([]);
    const [code = ''] = await registrar.makeCodes(1, 1000);
    const good = enrolRequest(registrar.publicKey, code, deviceSeed('a'));
    const others = [
      enrolRequest(registrar.publicKey, code, deviceSeed('b')),
      enrolRequest(registrar.publicKey, 'other', deviceSeed('a')),
      enrolRequest(suite.ed25519PublicKey(deviceSeed('x')), code, deviceSeed('a')),
      { proof: new Uint8Array(63) },
    ];
    for (const { proof } of others) {
      const wrong = registrar.enrol({ ...good, proof });
      await expect(wrong).rejects.toMatchObject({ code: 'proof-invalid', field: 'proof' });
    }
    await expect(registrar.enrol(good)).resolves.toBeDefined();
  });

  it('refuses a pseudonym that is enrolled already, or is no sound key', async () => {
    const { registrar } = await openRegistrar([]);
    const [first = '', second = ''] = await registrar.makeCodes(2, 1000);
    await registrar.enrol(enrolRequest(registrar.publicKey, first, deviceSeed('a')));
    const again = enrolRequest(registrar.publicKey, second, deviceSeed('a'));
    await expect(registrar.enrol(again)).rejects.toMatchObject({ code: 'pseudonym-taken' });
    const smallOrder = new Uint8Array(32);
    smallOrder[0] = 1;
    for (const pseudonym of [smallOrder, new Uint8Array(32).fill(255), new Uint8Array(31)]) {
      const wrong = registrar.enrol({ ...again, pseudonym });
      await expect(wrong).rejects.toMatchObject({ code: 'key-invalid', field: 'pseudonym' });
    }
  });

  it.each([[''], ['x'.repeat(65)], [7]])(
    'refuses %j as a code and does not repeat it',
    async (code) => {
      const { registrar } = await openRegistrar([]);
      const request = enrolRequest(registrar.publicKey, 'x', deviceSeed('a'));
      const error: unknown = await registrar
        .enrol({ ...request, code: code as string })
        .catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'argument-invalid', field: 'code' });
      if (code !== '') expect(String(error)).not.toContain(String(code));
    },
  );

  it('makes distinct codes, and refuses a wrong count or lifetime', async () => {
    const { registrar } = await openRegistrar([]);
    const codes = await registrar.makeCodes(200, 1000);
    expect(new Set(codes).size).toBe(200);
    expect(codes.every((code) => /^([0-9a-f]{6}-){3}[0-9a-f]{6}$/.test(code))).toBe(true);
    for (const count of [0, -1, 1.5, 10_001, Number.NaN]) {
      const wrong = registrar.makeCodes(count, 1000);
      await expect(wrong).rejects.toMatchObject({ code: 'argument-invalid', field: 'count' });
    }
    for (const lifetimeMs of [0, -1, 1.5, Number.MAX_SAFE_INTEGER]) {
      const wrong = registrar.makeCodes(1, lifetimeMs);
      await expect(wrong).rejects.toMatchObject({ code: 'argument-invalid', field: 'lifetimeMs' });
    }
  });

  it('keeps no code in its store', async () => {
    const store = memoryStore();
    const { registrar } = await openRegistrar([], store);
    const [code = ''] = await registrar.makeCodes(1, 1000);
    await registrar.enrol(enrolRequest(registrar.publicKey, code, deviceSeed('a')));
    const all = store.read((ledger) =>
      JSON.stringify([...ledger.keys('')].map((key) => [key, ledger.read(key)])),
    );
    expect(all).toContain('code/');
    expect(all).not.toContain(code);
    expect(all).not.toContain(code.replaceAll('-', ''));
  });
});

describe('renewal', () => {
  function renewal(
    registrarKey: Uint8Array,
    { from, to, epoch }: { from: string; to: string; epoch: number },
  ): RenewRequest {
    const [previousSeed, seed] = [deviceSeed(from), deviceSeed(to)];
    const previous = suite.ed25519PublicKey(previousSeed);
    const pseudonym = suite.ed25519PublicKey(seed);
    const statement = encodeLabelled(LABELS.renewal, registrarKey, previous, pseudonym, epoch);
    return {
      previous,
      pseudonym,
      epoch,
      authorisation: suite.ed25519Sign(previousSeed, statement),
      proof: suite.ed25519Sign(seed, statement),
    };
  }

  async function enrolled() {
    const { registrar, clock } = await openRegistrar([]);
    await enrolDevices(registrar, 1, 'x');
    const renew = (to: string, epoch: number, from = 'x 0') =>
      registrar.renew(renewal(registrar.publicKey, { from, to, epoch }));
    return { registrar, clock, renew };
  }

  it('gives a new pseudonym for the next epoch, and the same certificate again', async () => {
    const { registrar, clock, renew } = await enrolled();
    const certificate = await renew('next', EPOCH + 1);
    expect(certificate).toMatchObject({
      epoch: EPOCH + 1,
      pseudonym: suite.ed25519PublicKey(deviceSeed('next')),
    });
    expect(await renew('next', EPOCH + 1)).toEqual(certificate);
    expect(registrar.health().enrolled).toBe(1);
    clock.nowMs += EPOCH_MS;
    expect(registrar.health()).toMatchObject({ epoch: EPOCH + 1, enrolled: 1 });
    await expect(renew('third', EPOCH + 2, 'next')).resolves.toMatchObject({ epoch: EPOCH + 2 });
  });

  it('gives a device that was away a pseudonym of the present epoch', async () => {
    const { clock, renew } = await enrolled();
    clock.nowMs += 5 * EPOCH_MS;
    await expect(renew('back', EPOCH + 5)).resolves.toMatchObject({ epoch: EPOCH + 5 });
  });

  it('never gives one enrolment two pseudonyms of an epoch', async () => {
    const { renew } = await enrolled();
    const answers = await Promise.allSettled([
      renew('next', EPOCH + 1),
      renew('another', EPOCH + 1),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(answers[1]).toMatchObject({ reason: { code: 'already-renewed' } });
  });

  it.each([EPOCH, EPOCH + 2, EPOCH - 1])(
    'refuses epoch %i to a pseudonym of this one',
    async (epoch) => {
      const { renew } = await enrolled();
      await expect(renew('next', epoch)).rejects.toMatchObject({ code: 'epoch-invalid' });
    },
  );

  it.each([-1, 1.5, Number.NaN])('refuses %d as an epoch', async (epoch) => {
    const { registrar } = await enrolled();
    const request = renewal(registrar.publicKey, { from: 'x 0', to: 'next', epoch: EPOCH + 1 });
    const wrong = registrar.renew({ ...request, epoch });
    await expect(wrong).rejects.toMatchObject({ code: 'argument-invalid', field: 'epoch' });
  });

  it('refuses signatures that do not hold, each by its name', async () => {
    const { registrar } = await enrolled();
    const request = renewal(registrar.publicKey, { from: 'x 0', to: 'next', epoch: EPOCH + 1 });
    for (const field of ['authorisation', 'proof'] as const) {
      const forged = request[field].slice();
      forged[5]! ^= 1;
      const wrong = registrar.renew({ ...request, [field]: forged });
      await expect(wrong).rejects.toMatchObject({ code: 'proof-invalid', field });
    }
  });

  it('refuses an unknown previous pseudonym and a taken new one', async () => {
    const { registrar, renew } = await enrolled();
    const unknown = renew('next', EPOCH + 1, 'stranger');
    await expect(unknown).rejects.toMatchObject({ code: 'pseudonym-unknown', field: 'previous' });
    await enrolDevices(registrar, 1, 'y');
    const taken = renew('y 0', EPOCH + 1);
    await expect(taken).rejects.toMatchObject({ code: 'pseudonym-taken' });
  });

  it('refuses a revoked enrolment', async () => {
    const { registrar, renew } = await enrolled();
    await registrar.revoke(toHex(suite.ed25519PublicKey(deviceSeed('x 0'))));
    await expect(renew('next', EPOCH + 1)).rejects.toMatchObject({ code: 'revoked' });
  });

  it('is revoked with all its pseudonyms by any of them', async () => {
    const { registrar, clock, renew } = await enrolled();
    const next = toHex((await renew('next', EPOCH + 1)).pseudonym);
    const first = toHex(suite.ed25519PublicKey(deviceSeed('x 0')));
    expect(await registrar.revoke(next)).toEqual([first, next]);
    expect(await registrar.revoke(first)).toEqual([first, next]);
    expect(registrar.revocations().pseudonyms).toEqual([first, next].toSorted());
    expect(registrar.health().enrolled).toBe(0);
    clock.nowMs += EPOCH_MS;
    expect(registrar.health().enrolled).toBe(0);
  });
});

describe('revocation', () => {
  it('signs its list with incarnation and time', async () => {
    const { registrar, clock } = await openRegistrar([]);
    expect(registrar.revocations().pseudonyms).toEqual([]);
    const [device] = await enrolDevices(registrar, 2);
    await registrar.revoke(toHex(device!.pseudonym));
    clock.nowMs += 7;
    const list = registrar.revocations();
    const { signature, ...unsigned } = list;
    expect(unsigned).toEqual({
      incarnation: START_MS,
      issuedMs: START_MS + 7,
      pseudonyms: [toHex(device!.pseudonym)],
    });
    const statement = encodeLabelled(
      LABELS.revocations,
      START_MS,
      START_MS + 7,
      1,
      device!.pseudonym,
    );
    expect(revocationsStatement(unsigned)).toEqual(statement);
    expect(isSigned(registrar.publicKey, statement, signature)).toBe(true);
  });

  it('signs its list once in a few seconds, and at once anew for what it revokes itself', async () => {
    let signatures = 0;
    const counting: Suite = {
      ...suite,
      ed25519Sign: (...of) => {
        signatures++;
        return suite.ed25519Sign(...of);
      },
    };
    const clock = { nowMs: START_MS };
    const store = memoryStore();
    const registrar = await createRegistrar(
      options({ store, suite: counting, now: () => clock.nowMs }),
    );
    const hex = (await enrolDevices(registrar, 3)).map(({ pseudonym }) => toHex(pseudonym));
    signatures = 0;
    const first = registrar.revocations();
    clock.nowMs += REVOCATIONS_FRESH_MS - 1;
    expect(registrar.revocations()).toBe(first);
    expect(signatures).toBe(1);

    await registrar.revoke(hex[0]!);
    expect(registrar.revocations().pseudonyms).toEqual([hex[0]]);
    const incarnation = await registrar.newIncarnation();
    expect(registrar.revocations().incarnation).toBe(incarnation);

    // As another process on the same store does it.
    await store.transact((ledger) => revoke(ledger, hex[1]!));
    expect(registrar.revocations().pseudonyms).toEqual([hex[0]]);
    clock.nowMs += REVOCATIONS_FRESH_MS;
    expect(registrar.revocations().pseudonyms).toEqual([hex[0], hex[1]].toSorted());

    clock.nowMs -= 1;
    expect(registrar.revocations().issuedMs).toBe(clock.nowMs);
  });

  it('refuses an unknown pseudonym and what is no pseudonym', async () => {
    const { registrar } = await openRegistrar([]);
    const unknown = registrar.revoke('00'.repeat(32));
    await expect(unknown).rejects.toMatchObject({ code: 'pseudonym-unknown', field: 'pseudonym' });
    const wrong = registrar.revoke('xyz');
    await expect(wrong).rejects.toMatchObject({ code: 'hex-invalid', field: 'pseudonym' });
  });
});
