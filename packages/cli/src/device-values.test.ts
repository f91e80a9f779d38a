import { type Client, createClient, memoryStore } from '@onlysum/client/node';
import { toHex, UsageError, unsafeSeededRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { signManifest } from '@onlysum/task';
import { describe, expect, it } from 'vitest';
import { recordSettings } from './device-values.js';
import { manifestTemplate } from './manifest-template.js';

const rng = unsafeSeededRng('device values');
const [publisherSeed, registrarSeed, coordinatorSeed] = [rng(32), rng(32), rng(32)];
const key = (seed: Uint8Array) => toHex(nativeSuite.ed25519PublicKey(seed));
const publisherKey = key(publisherSeed);
const keys = {
  publisher: publisherKey,
  registrar: key(registrarSeed),
  coordinator: key(coordinatorSeed),
};
const template = manifestTemplate(keys, 'ws://127.0.0.1:8787', Date.now());
const manifest = signManifest(nativeSuite, template, publisherSeed);

async function recorded(
  set: readonly (readonly [string, string])[],
  optIn: string[] = ['performance'],
): Promise<Record<string, unknown>> {
  const client: Client = await createClient({
    manifest,
    publisherKey,
    registrarUrl: 'http://127.0.0.1:1',
    store: memoryStore(),
    consent: optIn,
  });
  recordSettings(client, { set: [...set], optIn });
  const { metrics } = client.preview();
  await client.close();
  return Object.fromEntries(
    metrics.filter(({ value }) => value !== undefined).map(({ name, value }) => [name, value]),
  );
}

describe('recordSettings', () => {
  it('reads each value as its kind asks for', async () => {
    expect(
      await recorded([
        ['licence_active', 'false'],
        ['app_version', '2.0'],
        ['crashes', '5'],
        ['documents_saved_mib', '0.5'],
        ['memory_mib', '-1.25e2'],
        ['startup_ms', '412'],
      ]),
    ).toEqual({
      licence_active: false,
      app_version: '2.0',
      crashes: 5,
      documents_saved_mib: 0.5,
      memory_mib: -125,
      startup_ms: 412,
    });
  });

  it.each([
    ['licence_active', 'yes', 'flag-invalid'],
    ['licence_active', '', 'flag-invalid'],
    ['crashes', '1.5', 'flag-invalid'],
    ['crashes', '-1', 'flag-invalid'],
    ['crashes', '99999999999999999999', 'value-type'],
    ['startup_ms', 'fast', 'flag-invalid'],
    ['startup_ms', '0x10', 'flag-invalid'],
    ['startup_ms', '1e999', 'value-not-finite'],
    ['startup', '1', 'metric-unknown'],
  ])('refuses %s=%s', async (name, text, code) => {
    const error = await recorded([[name, text]]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toHaveProperty('code', code);
  });

  it('refuses a second value of a metric: of some kinds it would replace the first', async () => {
    const twice = recorded([
      ['crashes', '2'],
      ['startup_ms', '5'],
      ['crashes', '3'],
    ]);
    await expect(twice).rejects.toMatchObject({
      code: 'flag-invalid',
      message: expect.stringContaining('crashes once'),
    });
  });

  it('refuses a value of a group that is not given, which would never leave', async () => {
    await expect(recorded([['crashes', '1']], [])).rejects.toMatchObject({
      code: 'flag-invalid',
      message: expect.stringContaining('--opt-in performance'),
    });
    expect(await recorded([['licence_active', 'true']], [])).toEqual({ licence_active: true });
  });
});
