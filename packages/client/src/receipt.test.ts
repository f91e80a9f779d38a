/** A receipt's every field that is signed, or that the manifest fixes, changed: each change is seen. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkReceipt,
  checkReceiptTask,
  createClient,
  memoryStore,
  parseReceipts,
  type SubmitReceipt,
} from './index.js';
import { nodeTransport } from './node/ws-transport.js';
import {
  publisherKey,
  REGISTRAR_URL,
  registrarKey,
  type Rig,
  startRig,
  suite,
} from '../test/rig.js';

let rig: Rig;
let receipt: SubmitReceipt;

beforeAll(async () => {
  rig = await startRig({
    privacy: {
      mechanism: 'skellam',
      epsilon: '1',
      delta: '0.000001',
      neighbours: 'zero',
      budget: { epsilon: '2', delta: '0.00001', days: 30 },
    },
  });
  const submitted = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = await createClient({
        manifest: rig.signedManifest,
        publisherKey,
        registrarUrl: REGISTRAR_URL,
        store: memoryStore(),
        transport: nodeTransport,
        suite,
        fetch: rig.fetch,
        now: () => rig.nowMs,
      });
      await client.enrol(rig.code());
      const sent = await client.submit({ attempts: 1, timeoutMs: 15_000 });
      await client.close();
      return sent;
    }),
  );
  // As it comes out of a file.
  receipt = JSON.parse(JSON.stringify(submitted[0])) as SubmitReceipt;
  const { registrar, coordinator } = rig.task.manifest;
  keys = { registrar, coordinator: coordinator.key };
});
afterAll(() => rig.close());

/** One character of it another. */
function flipped(hex: string): string {
  return `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
}

let keys: { readonly registrar: string; readonly coordinator: string };

const invalid = expect.objectContaining({ code: 'receipt-invalid' });

describe('a receipt', () => {
  it('as it was made holds, from a list or alone', () => {
    expect(parseReceipts(receipt)).toEqual([receipt]);
    expect(parseReceipts([receipt, receipt])).toHaveLength(2);
    checkReceipt(receipt, keys);
    checkReceiptTask(receipt, rig.task);
  });

  const signed: [string, (receipt: SubmitReceipt) => SubmitReceipt][] = [
    ['taskId', (r) => ({ ...r, task: { ...r.task, taskId: flipped(r.task.taskId) } })],
    ['window', (r) => ({ ...r, window: { ...r.window, index: r.window.index + 1 } })],
    ['round', (r) => ({ ...r, round: flipped(r.round) })],
    ['devices', (r) => ({ ...r, devices: r.devices + 1 })],
    ['survivors', (r) => ({ ...r, survivors: r.survivors - 1 })],
    ...(['incarnation', 'k', 't'] as const).map(
      (field): [string, (receipt: SubmitReceipt) => SubmitReceipt] => [
        field,
        (r) => ({ ...r, evidence: { ...r.evidence, [field]: r.evidence[field] + 1 } }),
      ],
    ),
    ...(
      [
        'context',
        'seed',
        'root',
        'rosterSignature',
        'sharedSet',
        'sharedSetSignature',
        'survivorSet',
        'survivorSetSignature',
      ] as const
    ).map((field): [string, (receipt: SubmitReceipt) => SubmitReceipt] => [
      field,
      (r) => ({ ...r, evidence: { ...r.evidence, [field]: flipped(r.evidence[field]) } }),
    ]),
  ];

  const heads = (['coordinator', 'registrar'] as const).flatMap((role) =>
    (['sequence', 'digest', 'signature'] as const).map(
      (field): [string, (receipt: SubmitReceipt) => SubmitReceipt] => [
        `${field} of the ${role}'s audit head`,
        (r) => {
          const head = r.auditHeads[role]!;
          const other = field === 'sequence' ? head.sequence + 1 : flipped(head[field]);
          return { ...r, auditHeads: { ...r.auditHeads, [role]: { ...head, [field]: other } } };
        },
      ],
    ),
  );

  it.each([...signed, ...heads])('with another %s does not hold', (_, change) => {
    expect(() => checkReceipt(change(receipt), keys)).toThrow(invalid);
  });

  it('covers every field of the evidence', () => {
    const fields = signed.map(([field]) => field);
    expect(fields).toEqual(expect.arrayContaining(Object.keys(receipt.evidence)));
  });

  it.each<[string, (receipt: SubmitReceipt) => SubmitReceipt]>([
    ['name', (r) => ({ ...r, task: { ...r.task, name: 'other' } })],
    ['version', (r) => ({ ...r, task: { ...r.task, version: 2 } })],
    ['publisher', (r) => ({ ...r, task: { ...r.task, publisher: registrarKey } })],
    ['start', (r) => ({ ...r, window: { ...r.window, startMs: 0 } })],
    ['epoch', (r) => ({ ...r, window: { ...r.window, epoch: 0 } })],
    ['mechanism', (r) => ({ ...r, privacy: { mechanism: 'none' } })],
    ['epsilon', (r) => ({ ...r, privacy: { ...r.privacy, epsilon: 0.5 } as never })],
    ['delta', (r) => ({ ...r, privacy: { ...r.privacy, delta: 0 } as never })],
    [
      'budget',
      (r) => ({
        ...r,
        privacy: { ...r.privacy, budget: { epsilon: 1, delta: 0.00001, days: 30 } } as never,
      }),
    ],
  ])('with another %s is not of its manifest', (_, change) => {
    expect(() => checkReceiptTask(change(receipt), rig.task)).toThrow(invalid);
  });

  it.each<[string, unknown]>([
    ['a field too many', () => ({ ...receipt, more: 1 })],
    ['a field too few', () => ({ ...receipt, round: undefined })],
    [
      'a signature that is none',
      () => ({ ...receipt, evidence: { ...receipt.evidence, seed: 'x' } }),
    ],
    ['text', () => 'receipt'],
  ])('with %s is none', (_, make) => {
    expect(() => parseReceipts((make as () => unknown)())).toThrow(invalid);
  });
});
