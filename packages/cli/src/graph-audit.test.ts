/** `params` and `audit graph`, as they are called: a round is attested by hand, then spoilt in one place. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import {
  drawGraph,
  encodeBitmap,
  maskContext,
  rosterParameters,
  rosterStatement,
  roundContext,
  sharedSetStatement,
  survivorSetStatement,
} from '@onlysum/protocol';
import { type Manifest, signManifest, verifySignedManifest } from '@onlysum/task';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import rows from '../../../test/vectors/v1/graph-parameters.json' with { type: 'json' };
import vectors from '../../../test/vectors/v1/graph.json' with { type: 'json' };
import { caseFolders, runCaptured } from '../test/captured-run.js';
import { manifestTemplate } from './manifest-template.js';

const folders = caseFolders('onlysum-audit-');
let cwd: string;

beforeEach(() => {
  cwd = folders.make();
});
afterAll(() => folders.remove());

const onlysum = (...args: string[]) => runCaptured(cwd, args);

const perMille = (devices: number, corrupt: number, dropout: number) => [
  ...['--devices', `${devices}`],
  ...['--corrupt', `${corrupt}`],
  ...['--dropout', `${dropout}`],
];

describe('onlysum params', () => {
  it.each(rows.filter((_, i) => i % 7 === 0))(
    'n = $n, γ = $corruptPerMille ‰, δ = $dropoutPerMille ‰',
    async ({ n, corruptPerMille, dropoutPerMille, graph, k, t }) => {
      const flags = perMille(n, corruptPerMille, dropoutPerMille);
      const { code, out } = await onlysum('params', ...flags, '--json');
      expect([code, JSON.parse(out)]).toEqual([0, { graph, k, t }]);
    },
  );

  it('answers what is infeasible with what to change', async () => {
    for (const [devices, dropout] of [
      [10, 500],
      [1001, 350],
    ] as const) {
      const flags = perMille(devices, 300, dropout);
      const { code, out } = await onlysum('params', ...flags, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(out)).toEqual({
        infeasible: true,
        reason: expect.stringMatching(/lower .*assumptions\.dropout/),
      });
      expect((await onlysum('params', ...flags)).out).toMatch(/^infeasible: no safe graph/);
    }
  });

  it('takes less than a second for 10,000 devices', async () => {
    const start = performance.now();
    const { out } = await onlysum('params', ...perMille(10_000, 99, 201));
    expect(out).toMatch(/^\d+ round tables: k = \d+ neighbours, threshold t = \d+\n$/);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it.each([[[]], [perMille(2, 1, 1)], [perMille(3, 1000, 1)], [perMille(3, 1, 1).slice(2)]])(
    'refuses %j',
    async (flags) => {
      const { code, err } = await onlysum('params', ...flags);
      expect([code, err]).toEqual([2, expect.stringContaining('[flag-invalid]')]);
    },
  );
});

const seeds = { publisher: filled(1, 32), registrar: filled(2, 32), coordinator: filled(3, 32) };
const keys = {
  publisher: toHex(nativeSuite.ed25519PublicKey(seeds.publisher)),
  registrar: toHex(nativeSuite.ed25519PublicKey(seeds.registrar)),
  coordinator: toHex(nativeSuite.ed25519PublicKey(seeds.coordinator)),
};
const template = manifestTemplate(keys, 'ws://127.0.0.1:8787', Date.UTC(2030, 0, 15));
const manifest: Manifest = {
  ...template,
  cohort: { min: 50, target: 200, max: 200 },
  minSurvivors: 40,
  assumptions: { corrupt: 10, dropout: 50, population: 1000 },
};
const signed = signManifest(nativeSuite, manifest, seeds.publisher);
const task = verifySignedManifest(nativeSuite, signed);
const N = 200;
const parameters = rosterParameters(N, manifest.assumptions);

interface Made {
  readonly k?: number;
  readonly t?: number;
  readonly sharedSet?: readonly number[];
  readonly survivorSet?: readonly number[];
  readonly registrarSeed?: Uint8Array;
}

const everyone = Array.from({ length: N }, (_, i) => i);
/** U2 without two, U3 without three more: D is ten. */
const SHARED = everyone.filter((i) => i % 100 !== 7);
const SURVIVORS = SHARED.filter((i) => i % 60 !== 9);

/** A result as a coordinator publishes it, attested by whoever has `registrarSeed`. */
function resultOf(made: Made = {}) {
  const { k = parameters.k, t = parameters.t, registrarSeed = seeds.registrar } = made;
  const survivors = made.survivorSet ?? SURVIVORS;
  const sharedSet = encodeBitmap(made.sharedSet ?? SHARED, N);
  const survivorSet = encodeBitmap(survivors, N);
  const facts = {
    taskId: task.taskId,
    window: 3_156_321,
    incarnation: 9,
    round: filled(4, 16),
    n: N,
    k,
    t,
    seed: filled(5, 32),
    root: filled(6, 32),
  };
  const context = roundContext(nativeSuite, facts);
  const context2 = maskContext(nativeSuite, context, sharedSet);
  const sign = (statement: Uint8Array) => toHex(nativeSuite.ed25519Sign(registrarSeed, statement));
  return {
    task: { name: manifest.name, version: manifest.version, taskId: toHex(task.taskId) },
    window: { index: facts.window, startMs: 0, endMs: 1, epoch: 0 },
    round: toHex(facts.round),
    devices: N,
    survivors: survivors.length,
    lanes: [],
    attested: {
      incarnation: facts.incarnation,
      n: N,
      k,
      t,
      seed: toHex(facts.seed),
      root: toHex(facts.root),
      rosterSignature: sign(rosterStatement(facts)),
      sharedSet: toHex(sharedSet),
      sharedSetSignature: sign(sharedSetStatement(context, sharedSet)),
      survivorSet: toHex(survivorSet),
      survivorSetSignature: sign(survivorSetStatement(context2, survivorSet)),
    },
  };
}

type Result = ReturnType<typeof resultOf>;

async function audit(result: Result, ...more: string[]) {
  writeFileSync(join(cwd, 'result.json'), JSON.stringify(result));
  writeFileSync(join(cwd, 'manifest.signed.json'), JSON.stringify(signed));
  return onlysum('audit', 'graph', '--result', 'result.json', ...more);
}

const TRUSTED = ['--manifest', 'manifest.signed.json', '--publisher', keys.publisher];

describe('onlysum audit graph --result', () => {
  it('finds a true round true, with its degrees', async () => {
    expect(parameters.graph).toBe('tables');
    const { code, out, err } = await audit(resultOf(), ...TRUSTED, '--json');
    expect([code, err]).toEqual([0, '']);
    const found = JSON.parse(out) as Record<string, unknown>;
    const { k, t } = parameters;
    expect(found).toMatchObject({ ok: true, graph: 'tables', n: N, k, t });
    expect(found['degree']).toEqual({ least: k, mean: k, most: k });
    const { neighbours } = drawGraph(nativeSuite, parameters, filled(5, 32));
    const survivors = new Set(SURVIVORS);
    const counts = SURVIVORS.map(
      (index) => (neighbours[index] ?? []).filter((other) => survivors.has(other)).length,
    );
    expect(found['inSurvivorSet']).toMatchObject({
      least: Math.min(...counts),
      most: Math.max(...counts),
    });
    expect(found['checks']).toHaveLength(11);
    expect(found['unchecked']).toEqual([expect.stringContaining('leaves')]);
    const text = await audit(resultOf(), ...TRUSTED);
    expect(text.out).toContain(`${k / 2} round tables of 200 devices`);
    expect(text.out).not.toContain('FAILS');
  });

  /** A device and so many of its neighbours that fewer than t are left. */
  const { neighbours } = drawGraph(nativeSuite, parameters, filled(5, 32));
  const gone = new Set((neighbours[0] ?? []).slice(0, parameters.k - parameters.t + 1));
  const thinned = (set: readonly number[]) => set.filter((index) => !gone.has(index));

  it.each<[string, Made, (result: Result) => object, RegExp]>([
    ['another registrar', { registrarSeed: filled(8, 32) }, same, /signed the roster/],
    ['another k', { k: parameters.k + 2 }, same, /k and t are those/],
    ['another t', { t: parameters.t - 1 }, same, /k and t are those/],
    [
      'another seed than was signed',
      {},
      (result) => ({ attested: { ...result.attested, seed: '07'.repeat(32) } }),
      /signed the roster/,
    ],
    [
      'another U2 than was signed',
      {},
      (result) => ({
        attested: { ...result.attested, sharedSet: toHex(encodeBitmap(everyone, N)) },
      }),
      /registrar signed U2/,
    ],
    [
      'another U3 than was signed',
      {},
      (result) => ({
        survivors: SHARED.length,
        attested: { ...result.attested, survivorSet: toHex(encodeBitmap(SHARED, N)) },
      }),
      /registrar signed U3/,
    ],
    [
      'another task',
      {},
      (result) => ({ task: { ...result.task, taskId: '00'.repeat(32) } }),
      /of this task/,
    ],
    ['a U3 too small', { survivorSet: SHARED.slice(0, 189) }, same, /U3 has at least 190 members/],
    [
      'a U2 too small',
      { sharedSet: SHARED.slice(0, 189), survivorSet: SHARED.slice(0, 189) },
      same,
      /U2 has at least 190 members/,
    ],
    ['a member of U3 outside U2', { survivorSet: everyone }, same, /U3 is part of U2/],
    ['a thin U2', { sharedSet: thinned(everyone) }, same, /every member of U2 has t neighbours/],
    ['a thin U3', { survivorSet: thinned(SHARED) }, same, /every member of U3 has t neighbours/],
    ['a wrong count', {}, () => ({ survivors: 3 }), /counts of the result/],
  ])('%s fails, and says so', async (_, made, change, expected) => {
    const result = resultOf(made);
    const { code, out, err } = await audit(
      { ...result, ...change(result) } as Result,
      ...TRUSTED,
      '--json',
    );
    expect(code).toBe(1);
    expect(err).toContain('[audit-failed]');
    const { ok, checks } = JSON.parse(out) as {
      ok: boolean;
      checks: readonly { what: string; holds: boolean; detail?: string }[];
    };
    expect(ok).toBe(false);
    const failing = checks.filter(({ holds }) => !holds);
    expect(failing.map(({ what }) => what)).toContainEqual(expect.stringMatching(expected));
    for (const { detail } of failing) expect(detail).toMatch(/./);
    // What was attested truly, and only one thing spoilt, does not fail for other reasons but this one.
    if (Object.keys(made).length === 0 && change !== same) {
      expect(failing.length).toBeLessThanOrEqual(4);
    }
  });

  it('without a manifest says that nothing signed was checked', async () => {
    const { code, out } = await audit(resultOf({ registrarSeed: filled(8, 32) }));
    expect(code).toBe(0);
    expect(out).toMatch(/not checked: signatures, k and t: give --manifest and --publisher/);
  });

  it('trusts no other publisher than the one that is named', async () => {
    const { code, err } = await audit(resultOf(), ...TRUSTED.slice(0, 3), keys.registrar);
    expect([code, err]).toEqual([2, expect.stringContaining('[publisher-mismatch]')]);
  });

  it.each<[string, (result: Result) => object, RegExp]>([
    ['no attested part', () => ({ attested: undefined }), /attested: expected an object/],
    ['an odd k', (r) => ({ attested: { ...r.attested, k: 17 } }), /attested\.k: expected n − 1/],
    ['a k of half', (r) => ({ attested: { ...r.attested, k: 100 } }), /attested\.k/],
    ['a short seed', (r) => ({ attested: { ...r.attested, seed: '00' } }), /attested\.seed/],
    ['a text for n', (r) => ({ attested: { ...r.attested, n: '200' } }), /attested\.n: expected/],
    [
      'a bitmap of another length',
      (r) => ({ attested: { ...r.attested, survivorSet: 'ff' } }),
      /attested\.survivorSet/,
    ],
  ])('%s: the file is refused by name and field', async (_, change, expected) => {
    const result = resultOf();
    const { code, err } = await audit({ ...result, ...change(result) } as Result, ...TRUSTED);
    expect(code).toBe(2);
    expect(err).toMatch(/result\.json: /);
    expect(err).toMatch(expected);
  });
});

describe('onlysum audit graph --seed', () => {
  it('draws the graph of the published vectors', async () => {
    const [large] = vectors.large;
    const flags = ['--seed', large?.seed ?? '', ...perMille(1000, 10, 50)];
    const { code, out } = await onlysum('audit', 'graph', ...flags, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      graph: 'tables',
      hash: large?.hash,
      degree: { least: 22, mean: 22, most: 22 },
    });
    expect((await onlysum('audit', 'graph', ...flags)).out).toContain(`SHA-256 ${large?.hash}`);
  });

  const seed = ['--seed', '05'.repeat(32)];
  it.each<[string[], RegExp]>([
    [[], /--result, or all of --seed/],
    [[...seed, '--devices', '100'], /--result, or all of --seed/],
    [['--seed', '05'], /--seed: expected 64/],
    [[...seed, ...perMille(100, 1, 1), '--publisher', keys.publisher], /a seed alone/],
    [['--result', 'r.json', ...seed], /--seed: expected nothing beside --result/],
    [['--result', 'r.json', '--publisher', keys.publisher], /--publisher: expected --manifest/],
    [['--result', 'r.json'], /r\.json: expected a file/],
  ])('refuses %j', async (flags, expected) => {
    const { code, err } = await onlysum('audit', 'graph', ...flags);
    expect(code).toBe(2);
    expect(err).toMatch(expected);
  });

  it('fails where there is no graph', async () => {
    const { code, err } = await onlysum('audit', 'graph', ...seed, ...perMille(10, 10, 500));
    expect([code, err]).toEqual([1, expect.stringContaining('[parameters-infeasible]')]);
  });
});

function filled(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function same(): object {
  return {};
}
