/**
 * Micro-benchmarks of the kernel against what it replaces, of packing, and of Shamir's sharing, with
 * native X25519 and OpenSSL's own ChaCha20 beside them to tell how fast the machine is.
 * Medians of tinybench; ratios are between medians of the same run, whose tasks alternate.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type SignedStream, decodeSecret, splitSecret, systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { Bench as TinyBench } from 'tinybench';
import { scalarKernel } from '../packages/crypto/src/scalar-kernel.js';
import { addPacked, packLanes } from '../packages/protocol/src/packing.js';
import { type Bench, type Figure, type Samples, figuresOf, median } from './figure.js';

/** Streams added in one call: those of a device with 44 neighbours. */
const STREAMS = 45;
/** Passes over all tasks, so that a busy second does not fall on one of them alone. */
const PASSES = 7;
const QUICK_PASSES = 2;
const PASS_MS = 60;

const figure = figuresOf('kernel');

export const kernelBench: Bench = async ({ isQuick }) => {
  const tasks = { ...streamTasks(), ...shareTasks(), ...packingTasks() };
  const ns = await latencies(tasks, isQuick ? QUICK_PASSES : PASSES);
  const us = (name: string): number[] => ns(name).map((each) => each / 1000);
  const openssl = await opensslBytesPerSecond();
  const figures: Figure[] = [];
  for (const { bytes, least } of LENGTHS) {
    const ours = ns(`kernel ${bytes}`).map((each) => each / STREAMS);
    const noble = ns(`noble ${bytes}`).map((each) => each / STREAMS);
    const target = least === undefined ? {} : { target: { min: least } };
    const name = `${bytes} B stream`;
    const inUs = (each: number): number => each / 1000;
    figures.push(
      figure(`${name}, of ${STREAMS} added at once`, ours.map(inUs), 'µs'),
      figure(`${name}, added alone`, us(`kernel one ${bytes}`), 'µs'),
      figure(`${name}, noble and JavaScript add`, noble.map(inUs), 'µs'),
      figure(`${name}, kernel against noble`, quotients(noble, ours), '×', target),
      figure(
        `${name}, kernel`,
        ours.map((each) => bytes / each),
        'GB/s',
      ),
    );
  }
  if (openssl !== undefined) {
    const bytes = 65_536;
    const share = ((bytes / median(ns(`kernel ${bytes}`))) * STREAMS * 1e9) / openssl;
    figures.push(
      figure('ChaCha20 by openssl speed, 16 KiB', openssl / 1e9, 'GB/s'),
      figure('kernel against openssl speed', share, '×', { target: { min: 0.14 } }),
    );
  }
  figures.push(figure('native X25519', us('x25519'), 'µs'));
  for (const { k, t, mostMs } of SHARINGS) {
    const ms = (name: string): number[] => ns(name).map((each) => each / 1e6);
    const split = ms(`split ${k}`);
    const name = `split both secrets, k = ${k}, t = ${t}`;
    const scaled = quotients(split, us('x25519')).map((each) => each * REFERENCE_X25519_US);
    const target = { max: mostMs };
    figures.push(
      figure(name, split, 'ms'),
      figure(`${name}, where X25519 takes 40 µs`, scaled, 'ms', { target }),
      figure(`recover one secret from ${k} shares, t = ${t}`, ms(`recover ${k}`), 'ms'),
    );
  }
  for (const m of PACKED_LANES) {
    figures.push(
      figure(`pack ${m} lanes of 26 bits`, us(`pack ${m}`), 'µs'),
      figure(`unpack and add ${m} lanes of 26 bits`, us(`unpack ${m}`), 'µs'),
    );
  }
  return figures;
};

const REFERENCE_X25519_US = 40;
const LENGTHS = [
  { bytes: 256, least: 15 },
  { bytes: 4096, least: undefined },
  { bytes: 65_536, least: 5 },
];
const SHARINGS = [
  { k: 44, t: 24, mostMs: 0.7 },
  { k: 300, t: 150, mostMs: 12 },
];
const PACKED_LANES = [256, 1000, 10_000];

type Tasks = Record<string, () => void>;

function streamTasks(): Tasks {
  const tasks: Tasks = {};
  const streams = Array.from(
    { length: STREAMS },
    (_, i): SignedStream => ({ key: systemRng(32), sign: i % 2 === 0 ? 1 : -1 }),
  );
  for (const { bytes } of LENGTHS) {
    const lanes = new Uint32Array(bytes / 4);
    tasks[`kernel ${bytes}`] = () => nativeSuite.addStreams(lanes, streams);
    tasks[`kernel one ${bytes}`] = () => nativeSuite.addStreams(lanes, streams.slice(0, 1));
    // What the kernel replaced, and where it cannot run still is.
    tasks[`noble ${bytes}`] = () => scalarKernel.addStreams(lanes, streams);
  }
  return tasks;
}

function shareTasks(): Tasks {
  const [b, s] = [systemRng(32), systemRng(32)];
  const publicKey = nativeSuite.x25519PublicKey(systemRng(32));
  const tasks: Tasks = { x25519: () => void nativeSuite.x25519(s, publicKey) };
  for (const { k, t } of SHARINGS) {
    // Neighbours' indices are spread over a roster of 1,000.
    const xs = Array.from({ length: k }, (_, i) => 1 + Math.floor((i * 999) / k));
    tasks[`split ${k}`] = () => {
      splitSecret(b, t, xs, systemRng);
      splitSecret(s, t, xs, systemRng);
    };
    const shares = splitSecret(b, t, xs, systemRng).map((share, i) => ({ x: xs[i] ?? 0, share }));
    tasks[`recover ${k}`] = () => void decodeSecret(shares, t);
  }
  return tasks;
}

function packingTasks(): Tasks {
  const tasks: Tasks = {};
  for (const count of PACKED_LANES) {
    const widths = Array.from({ length: count }, () => 26);
    const lanes = new Uint32Array(systemRng(4 * count).buffer);
    const packed = packLanes(lanes, widths);
    const sum = new Uint32Array(count);
    tasks[`pack ${count}`] = () => void packLanes(lanes, widths);
    tasks[`unpack ${count}`] = () => addPacked(sum, packed, widths);
  }
  return tasks;
}

/** @returns the median of each task, in nanoseconds, one per pass; passes of all tasks alternate. */
async function latencies(tasks: Tasks, passes: number): Promise<(name: string) => number[]> {
  const found = new Map<string, number[]>();
  for (let pass = 0; pass < passes; pass++) {
    const bench = new TinyBench({ time: PASS_MS, warmupTime: PASS_MS / 3 });
    for (const [name, task] of Object.entries(tasks)) bench.add(name, task);
    for (const { name, result } of await bench.run()) {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      found.set(name, [...(found.get(name) ?? []), result.latency.p50 * 1e6]);
    }
  }
  return (name) => {
    const samples = found.get(name);
    if (samples === undefined) throw new RangeError(`no task ${name}`);
    return samples;
  };
}

/** Pass by pass. */
function quotients(above: Samples, below: Samples): number[] {
  return above.map((each, pass) => each / (below[pass] ?? Number.NaN));
}

/** @returns undefined where there is no `openssl` command. */
async function opensslBytesPerSecond(): Promise<number | undefined> {
  const args = ['speed', '-mr', '-seconds', '1', '-bytes', '16384', '-evp', 'chacha20'];
  try {
    const { stdout } = await promisify(execFile)('openssl', args, { timeout: 20_000 });
    const line = stdout.split('\n').find((each) => each.startsWith('+F:'));
    const value = Number(line?.split(':').at(-1));
    return Number.isFinite(value) && value > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}
