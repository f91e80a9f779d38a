/**
 * Micro-benchmarks of the kernel against what it replaces, of packing, and of Shamir's sharing, with
 * native X25519 and OpenSSL's own ChaCha20 beside them to tell how fast the machine is.
 * Medians of tinybench; ratios are between medians of the same process, whose tasks alternate.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Bench, type Figure, type Samples, figuresOf, median } from './figure.js';
import { LENGTHS, PACKED_LANES, SHARINGS, STREAMS } from './kernel/tasks.js';

/** Passes over all tasks, so that a busy second does not fall on one of them alone. */
const PASSES = 11;
const QUICK_PASSES = 3;
/** A pass that takes longer is stuck. */
const MOST_PASS_MS = 120_000;

const figure = figuresOf('kernel');

export const kernelBench: Bench = async ({ isQuick }) => {
  const ns = await latencies(isQuick ? QUICK_PASSES : PASSES);
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

/** @returns the median of each task, in nanoseconds, one per pass; each pass is a process. */
async function latencies(passes: number): Promise<(name: string) => number[]> {
  const found = new Map<string, number[]>();
  for (let pass = 0; pass < passes; pass++) {
    for (const [name, ns] of await onePass()) {
      found.set(name, [...(found.get(name) ?? []), ns]);
    }
  }
  return (name) => {
    const samples = found.get(name);
    if (samples === undefined) throw new RangeError(`no task ${name}`);
    return samples;
  };
}

async function onePass(): Promise<readonly (readonly [string, number])[]> {
  const path = fileURLToPath(new URL('./kernel/pass-process.ts', import.meta.url));
  const child = fork(path, { execArgv: ['--import', 'tsx'] });
  const signal = AbortSignal.timeout(MOST_PASS_MS);
  try {
    const ended = once(child, 'exit', { signal }).then(([code]): never => {
      throw new Error(`a pass of the kernel bench ended with ${String(code)}`);
    });
    const [medians] = await Promise.race([once(child, 'message', { signal }), ended]);
    return medians as readonly (readonly [string, number])[];
  } finally {
    child.kill();
  }
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
