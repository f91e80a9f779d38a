/** What anybody may cause, in the audit log as few entries: refusals and renewals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LABELS, encodeLabelled, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { verifyChain } from '@onlysum/service';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  Coordinator,
  type Device,
  EPOCH_MS,
  REGISTRAR_SEED,
  START_MS,
  askAttest,
  deviceSeed,
  enrolDevices,
  enrolRequest,
  makeTask,
  openRegistrar,
  roundId,
  signRequest,
} from '../test/fleet.js';
import { ISSUER, makeIssuer, tokenFor } from '../test/issuer.js';
import {
  type Registrar,
  type RegistrarStore,
  type Renewal,
  auditEntries,
  createRegistrar,
  lmdbStore,
} from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-tally-'));
const open: RegistrarStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let stores = 0;

async function start() {
  const store = lmdbStore(join(root, String(stores++)));
  open.push(store);
  const task = makeTask();
  const { registrar, clock } = await openRegistrar([task], store);
  const coordinator = new Coordinator(task, clock, askAttest(registrar));
  const entries = () => store.read((ledger) => auditEntries(ledger, 0, 1000));
  return { store, registrar, clock, coordinator, entries };
}

function renewal(registrarKey: Uint8Array, device: Device, name: string): Renewal {
  const seed = deviceSeed(name);
  const pseudonym = suite.ed25519PublicKey(seed);
  const [previous, epoch] = [device.pseudonym, device.certificate.epoch + 1];
  const statement = encodeLabelled(LABELS.renewal, registrarKey, previous, pseudonym, epoch);
  const authorisation = suite.ed25519Sign(device.seed, statement);
  return { previous, pseudonym, epoch, authorisation, proof: suite.ed25519Sign(seed, statement) };
}

describe('what anybody can cause', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const guess = async (registrar: Registrar, name: string) => {
    const request = enrolRequest(registrar.publicKey, `guess ${name}`, deviceSeed(name));
    await expect(registrar.enrol(request)).rejects.toMatchObject({ code: 'code-invalid' });
  };
  const refused = (kind: string, code: string, count: number) => {
    const details = { kind, code, count };
    return { action: 'certificate.refused', outcome: 'refused', actor: 'device', details };
  };

  it('is one entry a minute for each kind and code, however often it came', async () => {
    const { registrar, entries } = await start();
    const before = entries().length;
    for (let i = 0; i < 20; i++) await guess(registrar, String(i));
    const stranger = deviceSeed('stranger');
    const pseudonym = suite.ed25519PublicKey(stranger);
    const from = new Uint8Array(32).fill(8);
    const proof = new Uint8Array(64);
    const renewal = { previous: pseudonym, pseudonym, epoch: 20_833, authorisation: proof, proof };
    await expect(registrar.renew(renewal)).rejects.toMatchObject({ code: 'proof-invalid' });
    await expect(registrar.recertify({ pseudonym, from, proof })).rejects.toMatchObject({
      code: 'registrar-key-unknown',
    });
    expect(entries()).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(entries().slice(before)).toMatchObject([
      refused('enrol', 'code-invalid', 20),
      refused('renew', 'proof-invalid', 1),
      refused('recertify', 'registrar-key-unknown', 1),
    ]);
    // Nothing came: nothing is written.
    await vi.advanceTimersByTimeAsync(600_000);
    expect(entries()).toHaveLength(before + 3);
    await guess(registrar, 'again');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(entries().slice(before + 3)).toMatchObject([refused('enrol', 'code-invalid', 1)]);
  });

  it('is written at the close, before the entry of the end', async () => {
    const { registrar, coordinator, entries } = await start();
    await enrolDevices(registrar, 1);
    const before = entries().length;
    await guess(registrar, 'a');
    const stranger = new Uint8Array(32).fill(77);
    const { taskId } = coordinator.task;
    for (const window of [1, 2]) {
      await coordinator.ask(signRequest({ kind: 'window', taskId, window }, stranger));
    }
    await coordinator.ask(signRequest({ kind: 'close', round: roundId('none') }));
    await registrar.close();
    const unknown = { action: 'attestation.refused', outcome: 'refused', actor: 'unknown' };
    expect(entries().slice(before)).toMatchObject([
      refused('enrol', 'code-invalid', 1),
      { ...unknown, details: { kind: 'window', code: 'request-signature', count: 2 } },
      { ...unknown, details: { kind: 'close', code: 'round-unknown', count: 1 } },
      { action: 'registrar.closed', actor: 'system', outcome: 'done' },
    ]);
    expect(verifyChain(suite, entries()).fault).toBeUndefined();
  });

  it('counts renewals that were granted', async () => {
    const { registrar, clock, entries } = await start();
    const devices = await enrolDevices(registrar, 3);
    clock.nowMs += EPOCH_MS;
    for (const [i, device] of devices.entries()) {
      await registrar.renew(renewal(registrar.publicKey, device, `next ${i}`));
    }
    await registrar.close();
    const details = { kind: 'renew', count: 3 };
    expect(entries().at(-2)).toMatchObject({ action: 'certificate.renewed', details });
  });

  it('is kept in mind while the store is away', async () => {
    const { store, registrar, entries } = await start();
    const before = entries().length;
    await guess(registrar, 'a');
    vi.spyOn(store, 'transact').mockRejectedValueOnce(new Error('the store is away'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(entries()).toHaveLength(before);
    await guess(registrar, 'b');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(entries().slice(before)).toMatchObject([refused('enrol', 'code-invalid', 2)]);
  });
});

it('names no code, token, licence or pseudonym, whatever was asked and refused', async () => {
  const store = lmdbStore(join(root, String(stores++)));
  open.push(store);
  const issuer = await makeIssuer('EdDSA');
  const registrar = await createRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [makeTask()],
    tokenIssuers: [issuer.configuration],
    epochLengthMs: EPOCH_MS,
    store,
    now: () => START_MS,
  });
  const pseudonyms: Uint8Array[] = [];
  const enrol = (name: string, token: string) => {
    const seed = deviceSeed(name);
    const pseudonym = suite.ed25519PublicKey(seed);
    pseudonyms.push(pseudonym);
    const tokenHash = suite.sha256(encodeLabelled(LABELS.licenceToken, token));
    const { publicKey } = registrar;
    const statement = encodeLabelled(LABELS.licensedEnrolment, publicKey, tokenHash, pseudonym);
    return registrar.enrol({ token, pseudonym, proof: suite.ed25519Sign(seed, statement) });
  };
  const token = await tokenFor(issuer, { sub: 'licence-4711' });
  const old = await tokenFor(issuer, { sub: 'licence-4712', exp: 1, iat: 0 });
  await enrol('a', token);
  await expect(enrol('b', token)).rejects.toMatchObject({ code: 'licence-exhausted' });
  await expect(enrol('c', old)).rejects.toMatchObject({ code: 'token-expired' });
  await registrar.revokeLicence(ISSUER, 'licence-4711');
  await expect(enrol('a', token)).rejects.toMatchObject({ code: 'revoked' });
  const [code = ''] = await registrar.makeCodes(1, 1000);
  await registrar.enrol(enrolRequest(registrar.publicKey, code, deviceSeed('d')));
  await registrar.close();
  const entries = store.read((ledger) => auditEntries(ledger, 0, 1000));
  const codes = entries.flatMap(({ action, details }) =>
    action === 'certificate.refused' ? [details?.['code']] : [],
  );
  expect(codes).toEqual(['licence-exhausted', 'token-expired', 'revoked']);
  const text = JSON.stringify(entries);
  for (const secret of [token, old, code, 'licence-4711', 'licence-4712']) {
    expect(text).not.toContain(secret);
  }
  for (const pseudonym of [...pseudonyms, suite.ed25519PublicKey(deviceSeed('d'))]) {
    expect(text).not.toContain(toHex(pseudonym).slice(0, 8));
  }
});
