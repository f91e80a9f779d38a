/** Enrolment by licence tokens, over HTTP and on lmdb. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { LABELS, encodeLabelled, toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { population } from '@onlysum/protocol';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EPOCH_MS, REGISTRAR_SEED, START_MS, deviceSeed, makeTask } from '../test/fleet.js';
import { ISSUER, makeIssuer, tokenFor } from '../test/issuer.js';
import { type RegistrarStore, auditEntries, lmdbStore, startRegistrar } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-licence-'));
const issuer = await makeIssuer('EdDSA');
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let stores = 0;

async function start() {
  const store = lmdbStore(join(root, String(stores++)));
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const clock = { nowMs: START_MS };
  const server = await startRegistrar({
    seed: REGISTRAR_SEED,
    tasks: [makeTask()],
    tokenIssuers: [issuer.configuration],
    epochLengthMs: EPOCH_MS,
    store,
    now: () => clock.nowMs,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'trace' }, sink),
  });
  ending.push(
    () => store.close(),
    () => server.close(),
  );
  const { registrar } = server;
  const enrol = async (token: string, name: string, proven = token) => {
    const seed = deviceSeed(name);
    const pseudonym = suite.ed25519PublicKey(seed);
    const tokenHash = suite.sha256(encodeLabelled(LABELS.licenceToken, proven));
    const fields = [registrar.publicKey, tokenHash, pseudonym];
    const statement = encodeLabelled(LABELS.licensedEnrolment, ...fields);
    const proof = toHex(suite.ed25519Sign(seed, statement));
    const answer = await fetch(`${server.url}/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, pseudonym: toHex(pseudonym), proof }),
    });
    const body = (await answer.json()) as Record<string, unknown> & { error?: { code: string } };
    return { status: answer.status, code: body.error?.code, body };
  };
  return { registrar, store, clock, lines, enrol, health: () => registrar.health() };
}

function everything(store: RegistrarStore): string {
  return store.read((ledger) =>
    JSON.stringify([...ledger.keys('')].map((key) => [key, ledger.read(key)])),
  );
}

describe('POST /v1/enrol with a token', () => {
  it('enrols a device, and gives the same certificate again, also by a fresh token', async () => {
    const { enrol, clock, health } = await start();
    const token = await tokenFor(issuer);
    const first = await enrol(token, 'a');
    expect(first).toMatchObject({ status: 200, body: { epochLengthMs: EPOCH_MS } });
    expect(await enrol(token, 'a')).toEqual(first);
    clock.nowMs += 1000;
    expect(await enrol(await tokenFor(issuer, {}, clock.nowMs), 'a')).toEqual(first);
    expect(health().enrolled).toBe(1);
  });

  it('enrols no more devices than the licence says', async () => {
    const { enrol, health } = await start();
    const one = await tokenFor(issuer);
    const both = await tokenFor(issuer, { onlysum_devices: 2 });
    expect((await enrol(one, 'a')).status).toBe(200);
    expect(await enrol(one, 'b')).toMatchObject({ status: 409, code: 'licence-exhausted' });
    expect((await enrol(both, 'b')).status).toBe(200);
    expect(await enrol(both, 'c')).toMatchObject({ status: 409, code: 'licence-exhausted' });
    // At once, too.
    const three = await tokenFor(issuer, { sub: 'other', onlysum_devices: 3 });
    const tries = ['d', 'e', 'f', 'g', 'h'].map((name) => enrol(three, name));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 409, 409]);
    expect(health().enrolled).toBe(5);
  });

  it('refuses a proof for another token, and a pseudonym of another licence', async () => {
    const { enrol, health } = await start();
    const [mine, other] = [await tokenFor(issuer), await tokenFor(issuer, { sub: 'other' })];
    expect(await enrol(mine, 'a', other)).toMatchObject({ status: 403, code: 'proof-invalid' });
    expect((await enrol(mine, 'a')).status).toBe(200);
    expect(await enrol(other, 'a')).toMatchObject({ status: 409, code: 'pseudonym-taken' });
    // Which used nothing up.
    expect((await enrol(other, 'b')).status).toBe(200);
    expect(health().enrolled).toBe(2);
  });

  it('refuses a token that does not hold', async () => {
    const { enrol } = await start();
    const stranger = await makeIssuer('EdDSA');
    const forged = await enrol(await tokenFor(stranger), 'a');
    expect(forged).toMatchObject({ status: 403, code: 'token-invalid' });
    const old = await tokenFor(issuer, {}, START_MS - 2 * 3_600_000);
    expect(await enrol(old, 'a')).toMatchObject({ status: 403, code: 'token-expired' });
    expect((await enrol('', 'a')).code).toBe('argument-invalid');
  });

  it('revokes by licence all it has enrolled, for good', async () => {
    const { registrar, store, enrol, health } = await start();
    const token = await tokenFor(issuer, { onlysum_devices: 3 });
    const certificates = [await enrol(token, 'a'), await enrol(token, 'b')];
    await enrol(await tokenFor(issuer, { sub: 'other' }), 'c');
    const revoked = await registrar.revokeLicence(ISSUER, 'licence-1');
    expect(revoked.toSorted()).toEqual(
      certificates.map(({ body }) => String(body['pseudonym'])).toSorted(),
    );
    expect(registrar.revocations().pseudonyms).toEqual(revoked.toSorted());
    expect(health().enrolled).toBe(1);
    expect(store.read(population)).toBe(1);
    for (const name of ['a', 'd']) {
      expect(await enrol(token, name)).toMatchObject({ status: 403, code: 'revoked' });
    }
    // One that has enrolled nothing yet.
    expect(await registrar.revokeLicence(ISSUER, 'new')).toEqual([]);
    expect((await enrol(await tokenFor(issuer, { sub: 'new' }), 'e')).code).toBe('revoked');
  });

  it('gives a device that was revoked by itself nothing again, nor its place', async () => {
    const { registrar, enrol } = await start();
    const token = await tokenFor(issuer);
    const { body } = await enrol(token, 'a');
    await registrar.revoke(String(body['pseudonym']));
    expect(await enrol(token, 'a')).toMatchObject({ status: 403, code: 'revoked' });
    expect(await enrol(token, 'b')).toMatchObject({ status: 409, code: 'licence-exhausted' });
  });

  it('keeps and logs neither token nor licence, and links none to a pseudonym', async () => {
    const { store, lines, enrol } = await start();
    const token = await tokenFor(issuer, { sub: 'licence-0815', onlysum_devices: 2 });
    const { body } = await enrol(token, 'a');
    await enrol(token, 'b');
    await enrol(token, 'c');
    await enrol(`${token}x`, 'd');
    const log = lines.join('');
    const kept = everything(store);
    expect(kept).toContain(String(body['pseudonym']));
    for (const text of ['licence-0815', ...token.split('.')]) {
      expect(log).not.toContain(text);
      expect(kept).not.toContain(text);
    }
    // Whose tokens are taken is a setting, kept with the start and nowhere else.
    expect(log).not.toContain(ISSUER);
    expect(kept.split(ISSUER)).toHaveLength(3);
    const names = encodeLabelled(LABELS.licence, ISSUER, 'licence-0815');
    expect(kept).not.toContain(toHex(suite.sha256(names)));
    const [licence = ''] = store.read((ledger) => [...ledger.keys('licence/')]);
    const id = licence.slice('licence/'.length);
    expect(kept.split(id)).toHaveLength(2);
    const entries = store.read((ledger) => auditEntries(ledger, 0, 100));
    const made = entries.filter(({ action }) => action === 'enrolment.made');
    expect(made.map(({ details }) => details?.['by'])).toEqual(['licence', 'licence']);
  });
});
