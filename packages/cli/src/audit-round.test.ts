/** `audit round`, as it is called. What of a record is checked is tried in test/protocol/round-record.test.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { RoundRecord } from '@onlysum/protocol';
import { NO_FAULTS, simulateRound } from '@onlysum/simulator';
import { type Manifest, signManifest, verifySignedManifest } from '@onlysum/task';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';
import { manifestTemplate } from './manifest-template.js';

const folders = caseFolders('onlysum-audit-round-');
let cwd: string;

const seeds = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const [publisherSeed, registrarSeed, coordinatorSeed] = seeds as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const [publisher = '', registrar = '', coordinator = ''] = seeds.map((seed) =>
  toHex(nativeSuite.ed25519PublicKey(seed)),
);
const manifest: Manifest = {
  ...manifestTemplate({ publisher, registrar, coordinator }, 'ws://127.0.0.1:8787', 0),
  cohort: { min: 5, target: 5, max: 5 },
  validity: { notBeforeMs: 0, notAfterMs: Number.MAX_SAFE_INTEGER },
};
const signed = signManifest(nativeSuite, manifest, publisherSeed);
const { record, result } = play();
const lanes = record.lanes;

function play(): { record: RoundRecord; result: object } {
  const task = verifySignedManifest(nativeSuite, signed);
  const devices = [0, 1, 2, 3, 4];
  const { outcome } = simulateRound({
    seed: 'audit round',
    suite: nativeSuite,
    synthetic: { task, registrarSeed, coordinatorSeed },
    floor: { minHonest: 2, maxDevices: 1000, minCorrupt: 0, minPopulation: 0 },
    inputs: devices.map((i) => Uint32Array.from(task.layout.lanes, (_, j) => Number(j % 5 === i))),
    kills: [{ device: 2, when: 'before', message: 'Unmasking', noticed: true }],
    faults: NO_FAULTS,
    keepRecord: true,
  });
  const made = outcome.kind === 'result' ? outcome.result.record : undefined;
  if (made === undefined) throw new Error(JSON.stringify(outcome));
  return { record: made, result: { round: made.attested.round, lanes: made.lanes } };
}

beforeEach(() => {
  cwd = folders.make();
  write('manifest.signed.json', signed);
  write('record.json', record);
  write('result.json', result);
});
afterAll(() => folders.remove());

const write = (name: string, value: unknown) =>
  writeFileSync(join(cwd, name), JSON.stringify(value));
const audit = (...flags: string[]) => runCaptured(cwd, ['audit', 'round', 'record.json', ...flags]);
const TRUST = ['--manifest', 'manifest.signed.json', '--publisher', publisher];

describe('onlysum audit round', () => {
  it('opens the sum again, and says what that does not show', async () => {
    const { code, out, err } = await audit(...TRUST, '--result', 'result.json');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('5 devices, 5 in U2, 5 in U3, as the registrar signed');
    expect(out).toMatch(/not checked: that masked total and seeds .* the word of the coordinator/);
    const { out: json } = await audit(...TRUST, '--json');
    expect(JSON.parse(json)).toMatchObject({
      ok: true,
      round: record.attested.round,
      survivors: 5,
      lanes,
    });
    expect(lanes.every((lane) => lane === 1)).toBe(true);
  });

  it('takes manifest and publisher from onlysum.yaml', async () => {
    const device = `device:\n  manifest: manifest.signed.json\n  publisher: ${publisher}\n`;
    writeFileSync(join(cwd, 'onlysum.yaml'), device);
    expect((await audit()).code).toBe(0);
  });

  it('finds a wrong sum in the record and in the result', async () => {
    write('record.json', { ...record, lanes: lanes.with(0, 2) });
    const { code, out, err } = await audit(...TRUST, '--json');
    expect([code, err]).toEqual([1, expect.stringMatching(/lanes\[0\].*\[audit-failed\]/)]);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'audit-failed' } });
    write('record.json', record);
    for (const other of [
      { ...result, lanes: lanes.with(1, 2) },
      { ...result, lanes: lanes.slice(1) },
      { ...result, lanes: [...lanes, 0] },
      { ...result, round: '0'.repeat(32) },
    ]) {
      write('result.json', other);
      const failed = await audit(...TRUST, '--result', 'result.json');
      expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('[audit-failed]')]);
    }
  });

  it('refuses what is no record, another publisher, and nobody to trust', async () => {
    expect(await audit()).toMatchObject({
      code: 2,
      err: expect.stringContaining('[setting-missing]'),
    });
    expect(await audit(...TRUST.slice(0, 3), registrar)).toMatchObject({
      err: expect.stringContaining('[publisher-mismatch]'),
    });
    write('record.json', result);
    expect(await audit(...TRUST)).toMatchObject({
      code: 2,
      err: expect.stringContaining('[record-invalid]'),
    });
  });
});
