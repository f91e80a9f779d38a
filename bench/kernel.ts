/**
 * Micro-benchmarks of the kernel against what it replaces, of packing, and of Shamir's sharing, with
 * native X25519 and OpenSSL's own ChaCha20 beside them to tell how fast the machine is.
 * Medians of tinybench; ratios are between medians of the same run, whose tasks alternate.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type SignedStream, decodeSecret, splitSecret, systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { Bench } from 'tinybench';
import { scalarKernel } from '../packages/crypto/src/scalar-kernel.js';
import { addPacked, packLanes } from '../packages/protocol/src/packing.js';

export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly min: number } | { readonly max: number };
}

/** Streams added in one call: those of a device with 44 neighbours. */
const STREAMS = 45;
/** Passes over all tasks, so that a busy second does not fall on one of them alone. */
const PASSES = 5;
const PASS_MS = 60;

export async function kernelBench(): Promise<Figure[]> {
  const ns = await medians({ ...streamTasks(), ...shareTasks(), ...packingTasks() });
  const openssl = await opensslBytesPerSecond();
  const figure = (
    name: string,
    value: number,
    unit: string,
    target?: Figure['target'],
  ): Figure => ({
    bench: 'kernel',
    figure: name,
    value: Number(value.toPrecision(4)),
    unit,
    ...(target === undefined ? {} : { target }),
  });
  const figures: Figure[] = [];
  for (const { bytes, least } of LENGTHS) {
    const [ours, noble] = [ns(`kernel ${bytes}`) / STREAMS, ns(`noble ${bytes}`) / STREAMS];
    const one = ns(`kernel one ${bytes}`);
    figures.push(
      figure(`${bytes} B stream, of ${STREAMS} added at once`, ours / 1000, 'µs'),
      figure(`${bytes} B stream, added alone`, one / 1000, 'µs'),
      figure(`${bytes} B stream, noble and JavaScript add`, noble / 1000, 'µs'),
      figure(`${bytes} B stream, kernel against noble`, noble / ours, '×', least),
      figure(`${bytes} B stream, kernel against noble, alone`, noble / one, '×'),
      figure(`${bytes} B stream, kernel`, bytes / ours, 'GB/s'),
    );
  }
  if (openssl !== undefined) {
    const bytes = 65_536;
    const share = ((bytes / ns(`kernel ${bytes}`)) * STREAMS * 1e9) / openssl;
    figures.push(
      figure('ChaCha20 by openssl speed, 16 KiB', openssl / 1e9, 'GB/s'),
      figure('kernel against openssl speed', share, '×', { min: 0.14 }),
    );
  }
  const x25519 = ns('x25519');
  figures.push(figure('native X25519', x25519 / 1000, 'µs'));
  for (const { k, t, mostMs } of SHARINGS) {
    const split = ns(`split ${k}`) / 1e6;
    const name = `split both secrets, k = ${k}, t = ${t}`;
    figures.push(
      figure(name, split, 'ms'),
      figure(`${name}, where X25519 takes 40 µs`, (split * 40_000) / x25519, 'ms', { max: mostMs }),
      figure(`recover one secret from ${k} shares, t = ${t}`, ns(`recover ${k}`) / 1e6, 'ms'),
    );
  }
  for (const lanes of PACKED_LANES) {
    figures.push(
      figure(`pack ${lanes} lanes of 26 bits`, ns(`pack ${lanes}`) / 1000, 'µs'),
      figure(`unpack and add ${lanes} lanes of 26 bits`, ns(`unpack ${lanes}`) / 1000, 'µs'),
    );
  }
  return figures;
}

const LENGTHS = [
  { bytes: 256, least: { min: 15 } },
  { bytes: 4096, least: undefined },
  { bytes: 65_536, least: { min: 5 } },
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

/** @returns the median of each task, in nanoseconds, over all passes. */
async function medians(tasks: Tasks): Promise<(name: string) => number> {
  const found = new Map<string, number[]>();
  for (let pass = 0; pass < PASSES; pass++) {
    const bench = new Bench({ time: PASS_MS, warmupTime: PASS_MS / 3 });
    for (const [name, task] of Object.entries(tasks)) bench.add(name, task);
    for (const { name, result } of await bench.run()) {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      found.set(name, [...(found.get(name) ?? []), result.latency.p50 * 1e6]);
    }
  }
  return (name) => {
    const sorted = (found.get(name) ?? []).toSorted((x, y) => x - y);
    const median = sorted[Math.floor(sorted.length / 2)];
    if (median === undefined) throw new RangeError(`no task ${name}`);
    return median;
  };
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { figure, value, unit, target } of await kernelBench()) {
    const wanted =
      target === undefined ? '' : 'min' in target ? `  (≥ ${target.min})` : `  (≤ ${target.max})`;
    process.stdout.write(`${figure.padEnd(64)} ${String(value).padStart(9)} ${unit}${wanted}\n`);
  }
}
