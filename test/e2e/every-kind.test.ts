/** Every kind of metric from `record` to its estimate: shipped parties, real sockets, masks, noise. */
import { createClient, memoryStore, type Client } from '@onlysum/client/node';
import { type PublishedResult, httpRegistrar, startCoordinator } from '@onlysum/coordinator';
import { systemRng, toHex } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { type Estimate, estimateTotals, type RecordedValue } from '@onlysum/metrics';
import { memoryStore as registrarMemoryStore, startRegistrar } from '@onlysum/registrar';
import { type Manifest, compileLayout, signManifest, verifySignedManifest } from '@onlysum/task';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { everyKind } from '../metrics/every-kind.js';
import { type Device, sumOf } from '../metrics/sum.js';

const DEVICES = 24;
const DAY_MS = 86_400_000;
/** Far in the tail of an estimate's error: 24 devices of a cohort give some hundred numbers. */
const MOST_ERRORS = 8;

const budget = { epsilon: '900', delta: '0.001', days: 30 };
const skellam: Manifest['privacy'] = {
  mechanism: 'skellam',
  epsilon: '40',
  delta: '0.0001',
  neighbours: 'replace',
  budget,
};
const laplace: Manifest['privacy'] = {
  mechanism: 'discrete-laplace',
  epsilon: '60',
  neighbours: 'zero',
  budget,
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A fleet with values of every kind; each eighth device declines the optional group. */
const fleet: readonly Device[] = Array.from({ length: DEVICES }, (_, i) => ({
  values: {
    licensed: i % 3 > 0,
    version: ['1.0', '1.1', '2.0', 'unheard of'][i % 4],
    os: i % 5 === 0 ? 'linux' : 'windows',
    model: ['a', 'b', 'b', 'c', 'nobody'][i % 5],
    features: [['sync'], ['sync', 'print'], [], ['export', 'search', 'print']][i % 4],
    ...(i % 8 === 7
      ? {}
      : {
          crashes: i % 6,
          disk: i * 1.5,
          heat: 20 - i,
          load: (i % 7) / 2,
          start: (i % 10) - 1,
          latency: 1.4 ** (i % 19),
        }),
  },
  ...(i % 8 === 7 ? { declines: 'extra' } : {}),
}));

async function runRound(
  privacy: Manifest['privacy'],
): Promise<{ readonly manifest: Manifest; readonly result: PublishedResult }> {
  const [publisherSeed, registrarSeed, coordinatorSeed] = [32, 32, 32].map(systemRng) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const keyOf = (seed: Uint8Array): string => toHex(nativeSuite.ed25519PublicKey(seed));
  const nowMs = Date.now();
  // The manifest names it, so it is needed before anything listens.
  const port = await freePort();
  const manifest = everyKind({
    publisher: keyOf(publisherSeed),
    registrar: keyOf(registrarSeed),
    coordinator: { key: keyOf(coordinatorSeed), url: `ws://127.0.0.1:${port}/` },
    window: { lengthMs: DAY_MS },
    epoch: { lengthMs: DAY_MS },
    cohort: { min: DEVICES, target: DEVICES, max: DEVICES },
    assumptions: { corrupt: 10, dropout: 0, population: 1000 },
    minSurvivors: DEVICES,
    validity: { notBeforeMs: nowMs - 2 * DAY_MS, notAfterMs: nowMs + 2 * DAY_MS },
    privacy,
  });
  const signed: unknown = JSON.parse(
    JSON.stringify(signManifest(nativeSuite, manifest, publisherSeed)),
  );
  const task = verifySignedManifest(nativeSuite, signed);
  const logger = pino({ level: 'fatal' });
  const registrar = await startRegistrar({
    seed: registrarSeed,
    tasks: [task],
    epochLengthMs: DAY_MS,
    store: registrarMemoryStore(),
    host: '127.0.0.1',
    port: 0,
    logger,
  });
  closing.push(() => registrar.close());
  const published: PublishedResult[] = [];
  const coordinator = await startCoordinator({
    tasks: [task],
    seed: coordinatorSeed,
    registrar: httpRegistrar(registrar.url),
    host: '127.0.0.1',
    port,
    logger,
    onResult: (result) => void published.push(result),
  });
  closing.push(() => coordinator.close({ graceMs: 0 }));
  const codes = await registrar.registrar.makeCodes(DEVICES, DAY_MS);
  const clients: Client[] = [];
  closing.push(() => Promise.allSettled(clients.map((client) => client.close())));
  for (const [i, { values, declines }] of fleet.entries()) {
    const client = await createClient({
      manifest: signed,
      publisherKey: manifest.publisher,
      registrarUrl: registrar.url,
      store: memoryStore(),
      consent: declines === undefined ? ['extra'] : [],
      suite: nativeSuite,
      onProblem: (problem) => expect.fail(problem.message),
    });
    clients.push(client);
    await client.enrol(codes[i] ?? '');
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) client.record(name, value as RecordedValue);
    }
  }
  const receipts = await Promise.all(clients.map((client) => client.submit({ attempts: 1 })));
  expect(receipts.every(({ included }) => included)).toBe(true);
  await expect.poll(() => published.length, { timeout: 20_000 }).toBe(1);
  return { manifest, result: published[0]! };
}

/** Everything in an estimate that has a value and a standard error, by its path. */
function* estimatesIn(value: unknown, path = ''): Iterable<readonly [string, Estimate]> {
  if (typeof value !== 'object' || value === null) return;
  if ('standardError' in value && 'value' in value) yield [path, value as Estimate];
  else for (const [key, each] of Object.entries(value)) yield* estimatesIn(each, `${path}.${key}`);
}

describe('every kind of metric, by shipped clients over real sockets', () => {
  it('comes out exactly without noise', async () => {
    const { manifest, result } = await runRound({ mechanism: 'none' });
    const plain = sumOf(manifest, fleet);
    expect(result.lanes).toEqual(plain);
    const round = { devices: DEVICES, survivors: DEVICES };
    const expected = estimateTotals(manifest, compileLayout(manifest), plain, round);
    expect(result.estimates).toEqual(JSON.parse(JSON.stringify(expected)));
    expect(Object.keys(result.estimates.metrics)).toHaveLength(manifest.metrics.length);
  });

  it.each([skellam, laplace])('comes out within its stated error: $mechanism', async (privacy) => {
    const { manifest, result } = await runRound(privacy);
    const layout = compileLayout(manifest);
    const plain = sumOf(manifest, fleet);
    const noise = result.lanes.map((sum, i) => (sum ?? Number.NaN) - (plain[i] ?? 0));
    noise.forEach((each, i) => {
      const { label, tail } = layout.lanes[i]!;
      expect(Math.abs(each), label).toBeLessThanOrEqual(tail);
    });
    // Most lanes got some: a lane of which the noise was forgotten would be exact each time.
    expect(noise.filter((each) => each !== 0).length).toBeGreaterThan(noise.length / 4);
    const round = { devices: DEVICES, survivors: DEVICES };
    const { privacy: _, ...rest } = manifest;
    const quiet = everyKind({ ...rest, privacy: { mechanism: 'none' } });
    const truth = new Map(
      estimatesIn(estimateTotals(quiet, compileLayout(quiet), plain, round).metrics),
    );
    let compared = 0;
    for (const [path, { value, standardError }] of estimatesIn(result.estimates.metrics)) {
      const exact = truth.get(path)?.value;
      // Ratios may have no value beside noise; quantiles move by buckets, which metrics' own tests cover.
      if (exact === undefined || exact === null || value === null || path.includes('uantile'))
        continue;
      if (!(standardError > 0)) continue;
      compared++;
      expect(Math.abs(value - exact) / standardError, path).toBeLessThan(MOST_ERRORS);
    }
    expect(compared).toBeGreaterThan(30);
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
