/** What a registrar was started with, as the entry of its start says it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite as suite } from '@onlysum/crypto/node';
import { calculateJwkThumbprint } from 'jose';
import { pino } from 'pino';
import { afterAll, afterEach, expect, it } from 'vitest';
import { EPOCH_MS, REGISTRAR_SEED, makeTask } from '../test/fleet.js';
import { AUDIENCE, ISSUER, makeIssuer } from '../test/issuer.js';
import {
  type RegistrarServerOptions,
  type RegistrarStore,
  auditEntries,
  lmdbStore,
  startRegistrar,
} from './index.js';

const root = mkdtempSync(join(tmpdir(), 'onlysum-start-'));
let stores = 0;
const open: RegistrarStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('says with what it was started, and what of that is new', async () => {
  const store = lmdbStore(join(root, String(stores++)));
  open.push(store);
  const issuer = await makeIssuer('EdDSA');
  const task = makeTask();
  const run = async (changes: Partial<RegistrarServerOptions>) => {
    const server = await startRegistrar({
      seed: REGISTRAR_SEED,
      tasks: [task],
      epochLengthMs: EPOCH_MS,
      store,
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
      ...changes,
    });
    await server.close();
    const entries = store.read((ledger) => auditEntries(ledger, 0, 1000));
    return entries.findLast(({ action }) => action === 'registrar.started')?.details;
  };
  const first = await run({ tokenIssuers: [issuer.configuration] });
  const [key = {}] = issuer.configuration.keys.keys;
  const print = await calculateJwkThumbprint(key);
  expect(first).toMatchObject({
    publicKey: toHex(suite.ed25519PublicKey(REGISTRAR_SEED)),
    previousKeys: '',
    tasks: `acme version 1 ${toHex(task.taskId)}`,
    tokenIssuers: `${ISSUER} ${AUDIENCE} EdDSA ${print}`,
    auditRetentionDays: 365,
    'tokenLimits.devices': 10,
    'rateLimits.requestsPerMinute': 60_000,
    'limits.connections': 1000,
    trustProxy: '',
  });
  expect(first).not.toHaveProperty('changed');
  expect(await run({ tokenIssuers: [issuer.configuration] })).toEqual(first);
  const later = await run({
    tasks: [task, makeTask({ name: 'other' })],
    tokenIssuers: [(await makeIssuer('EdDSA')).configuration],
    rateLimits: { requestsPerMinute: 5 },
    previousSeeds: [new Uint8Array(32).fill(9)],
    trustProxy: ['10.0.0.5'],
  });
  const changed = 'previousKeys, tasks, tokenIssuers, rateLimits.requestsPerMinute, trustProxy';
  expect(later).toMatchObject({ changed });
  const text = JSON.stringify(store.read((ledger) => auditEntries(ledger, 0, 1000)));
  for (const seed of [REGISTRAR_SEED, new Uint8Array(32).fill(9)]) {
    expect(text).not.toContain(toHex(seed));
  }
});
