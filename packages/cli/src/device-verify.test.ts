import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry, SubmitReceipt } from '@onlysum/client';
import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  encodeBitmap,
  maskContext,
  rosterStatement,
  type SignedAuditHead,
  signAuditHead,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import { type Manifest, signManifest, verifySignedManifest, windowByIndex } from '@onlysum/task';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { caseFolders, runCaptured } from '../test/captured-run.js';

const folders = caseFolders('onlysum-verify-');
let cwd: string;
beforeEach(() => {
  cwd = folders.make();
  writeFileSync(join(cwd, 'manifest.signed.json'), JSON.stringify(signed));
});
afterAll(() => folders.remove());

const [publisherSeed, registrarSeed, coordinatorSeed] = [1, 2, 3].map((byte) =>
  new Uint8Array(32).fill(byte),
) as [Uint8Array, Uint8Array, Uint8Array];
const keyOf = (seed: Uint8Array): string => toHex(nativeSuite.ed25519PublicKey(seed));
const origin = { owner: 'Desktop team', retentionDays: 30, access: ['analyst'] as const };
const manifest: Manifest = {
  onlysum: 1,
  suite: 1,
  name: 'verified',
  version: 4,
  publisher: keyOf(publisherSeed),
  registrar: keyOf(registrarSeed),
  coordinator: { key: keyOf(coordinatorSeed), url: 'wss://sum.test/v1' },
  window: { lengthMs: 3_600_000 },
  epoch: { lengthMs: 86_400_000 },
  cohort: { min: 3, target: 5, max: 10 },
  minSurvivors: 3,
  attempts: 3,
  assumptions: { corrupt: 10, dropout: 200, population: 1000 },
  minRespondents: 1,
  privacy: { mechanism: 'none' },
  validity: { notBeforeMs: 0, notAfterMs: 4_000_000_000_000 },
  groups: [{ name: 'essential', purpose: 'Count', essential: true }],
  metrics: [{ ...origin, name: 'active', kind: 'flag', group: 'essential', purpose: 'In use' }],
};
const signed = signManifest(nativeSuite, manifest, publisherSeed);

const head = { sequence: 12, digest: new Uint8Array(32).fill(9) };
const headText = ({ sequence, digest, signature }: SignedAuditHead) => ({
  sequence,
  digest: toHex(digest),
  signature: toHex(signature),
});

/** What a device would keep of a round of five in which one dropped. */
function makeReceipt(): SubmitReceipt {
  const task = verifySignedManifest(nativeSuite, signed);
  const window = windowByIndex(manifest, 400_000);
  const facts = {
    taskId: task.taskId,
    window: window.index,
    incarnation: 1,
    round: new Uint8Array(16).fill(4),
    n: 5,
    k: 4,
    t: 3,
    seed: new Uint8Array(32).fill(5),
    root: new Uint8Array(32).fill(6),
  };
  const sign = (statement: Uint8Array): string =>
    toHex(nativeSuite.ed25519Sign(registrarSeed, statement));
  const context = roundContext(nativeSuite, facts);
  const sharedSet = encodeBitmap([0, 1, 2, 3, 4], 5);
  const survivorSet = encodeBitmap([0, 1, 3, 4], 5);
  const context2 = maskContext(nativeSuite, context, sharedSet);
  const { name, version, publisher } = manifest;
  return {
    kind: 'receipt',
    task: { name, version, taskId: toHex(task.taskId), publisher },
    window,
    round: toHex(facts.round),
    sentAtMs: window.startMs + 1000,
    groups: ['essential'],
    values: { active: true },
    privacy: { mechanism: 'none' },
    keepUntilMs: window.startMs + 30 * 86_400_000,
    included: true,
    opened: true,
    devices: 5,
    survivors: 4,
    evidence: {
      context: toHex(context),
      incarnation: 1,
      k: 4,
      t: 3,
      seed: toHex(facts.seed),
      root: toHex(facts.root),
      rosterSignature: sign(rosterStatement(facts)),
      sharedSet: toHex(sharedSet),
      sharedSetSignature: sign(sharedSetStatement(context, sharedSet)),
      survivorSet: toHex(survivorSet),
      survivorSetSignature: sign(survivorSetStatement(context2, survivorSet)),
    },
    auditHeads: {
      coordinator: headText(
        signAuditHead(nativeSuite, coordinatorSeed, 'coordinator', facts.round, head),
      ),
      registrar: headText(
        signAuditHead(nativeSuite, registrarSeed, 'registrar', facts.round, head),
      ),
    },
  };
}

const receipt = makeReceipt();
const BY_MANIFEST = ['--manifest', 'manifest.signed.json'];
const BY_KEY = ['--registrar', manifest.registrar];

function sentOnly(): LedgerEntry {
  const { task, window, round, sentAtMs, groups, values, privacy, keepUntilMs } = receipt;
  return { kind: 'sent', task, window, round, sentAtMs, groups, values, privacy, keepUntilMs };
}

function verify(value: unknown, ...args: string[]) {
  writeFileSync(join(cwd, 'receipts.json'), JSON.stringify(value));
  return runCaptured(cwd, ['device', 'verify', 'receipts.json', ...args]);
}

async function verdicts(value: unknown, ...args: string[]) {
  const { code, out } = await verify(value, ...args, '--json');
  return { code, verdicts: JSON.parse(out) as Record<string, unknown>[] };
}

describe('onlysum device verify', () => {
  it('says what holds, with the manifest or with the key alone', async () => {
    const byManifest = await verify(receipt, ...BY_MANIFEST);
    expect(byManifest).toMatchObject({ code: 0, err: '' });
    expect(byManifest.out).toContain('context, roster, U2 and U3 are as the registrar signed them');
    expect(byManifest.out).toContain('names, times and noise are those of the manifest');
    const byKey = await verify(receipt, ...BY_KEY);
    expect(byKey).toMatchObject({ code: 0, err: '' });
    expect(byKey.out).toContain('audit head are not checked');
  });

  it('reads standard input, and what device receipts --json prints', async () => {
    const listed = JSON.stringify([{ ...receipt, signatures: 'do not hold' }]);
    for (const file of [[], ['-']]) {
      const args = ['device', 'verify', ...file, ...BY_MANIFEST];
      expect(await runCaptured(cwd, args, listed)).toMatchObject({ code: 0 });
    }
  });

  it('fails if one of them does not hold, and says which and why', async () => {
    const forged = { ...receipt, survivors: 5 };
    const { code, verdicts: found } = await verdicts([receipt, forged], ...BY_MANIFEST);
    expect(code).toBe(1);
    expect(found.map(({ signatures }) => signatures)).toEqual(['hold', 'do not hold']);
    expect(found[1]?.['fault']).toContain('receipt.survivors');
    const { err } = await verify([receipt, forged], ...BY_MANIFEST);
    expect(err).toContain('1 of 2 receipts do not hold');
  });

  it('fails for another registrar, and for a manifest with which it does not agree', async () => {
    const other = await verdicts(receipt, '--registrar', manifest.coordinator.key);
    expect(other).toMatchObject({ code: 1, verdicts: [{ signatures: 'do not hold' }] });
    const renamed = { ...receipt, task: { ...receipt.task, name: 'other' } };
    const named = await verdicts(renamed, ...BY_MANIFEST);
    expect(named).toMatchObject({
      code: 1,
      verdicts: [{ signatures: 'hold', manifest: 'does not agree' }],
    });
    expect((await verdicts(renamed, ...BY_KEY)).code).toBe(0);
  });

  it('says of an entry without signatures that it has none, and of nothing else nothing', async () => {
    const both = await verdicts([sentOnly(), receipt], ...BY_MANIFEST);
    expect(both).toMatchObject({ code: 0, verdicts: [{ signatures: 'none' }, {}] });
    for (const none of [[], [sentOnly()]]) {
      expect(await verify(none, ...BY_MANIFEST)).toMatchObject({ code: 2 });
    }
  });

  it('fails for an audit head that its server did not sign, as far as the key is known', async () => {
    const { coordinator, registrar } = receipt.auditHeads;
    const told = (auditHeads: SubmitReceipt['auditHeads']) => ({ ...receipt, auditHeads });
    const ofCoordinator = told({ coordinator: { ...coordinator!, sequence: 13 }, registrar });
    const ofRegistrar = told({ coordinator, registrar: { ...registrar!, sequence: 13 } });
    expect((await verify(ofCoordinator, ...BY_MANIFEST)).err).toContain('auditHeads.coordinator');
    expect((await verify(ofRegistrar, ...BY_MANIFEST)).err).toContain('auditHeads.registrar');
    expect((await verify(ofRegistrar, ...BY_KEY)).err).toContain('auditHeads.registrar');
    expect(await verify(ofCoordinator, ...BY_KEY)).toMatchObject({ code: 0 });
  });

  it('wants a key that it can trust, and one only', async () => {
    expect((await verify(receipt)).err).toContain('--manifest or --registrar');
    const two = ['--registrar', manifest.coordinator.key, ...BY_MANIFEST];
    expect(await verify(receipt, ...two)).toMatchObject({ code: 2 });
    expect(await verify(receipt, ...BY_KEY, ...BY_MANIFEST)).toMatchObject({ code: 0 });
  });

  it('refuses what is no receipt', async () => {
    const { code, err } = await verify({ ...receipt, more: 1 }, ...BY_KEY);
    expect(code).toBe(2);
    expect(err).toContain('receipts.json: receipts.0.more');
  });
});
