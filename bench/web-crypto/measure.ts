/**
 * What is measured in Node and in a browser alike: public-key operations and whole rounds of a recorded
 * device, by the portable suite and by WebCrypto. Knows: milliseconds. Doesn't know: where it runs.
 */
import {
  type DeriveOp,
  type DeriveRunner,
  portableSuite,
  runDerive,
  systemRng,
  webCryptoDerive,
} from '@onlysum/crypto';
import { replayDeviceBy } from '../replay/device-replay.js';
import { type Runner, unpackWork } from './work.js';

/** Milliseconds of one round. */
export interface RoundTime {
  readonly wholeMs: number;
  /** Of it until public-key operations were answered. */
  readonly deriveMs: number;
}

/** Microseconds of one operation, one for each pass: one after another, and all at the same time. */
export type OperationTimes = Record<string, { alone: number[]; together: number[] }>;

/** Empty of what was not asked for. */
export interface Measured {
  readonly firstKeysMs: number | undefined;
  readonly rounds: RoundTime[];
  readonly operations: OperationTimes;
}

/** @param packed - by packWork. */
export async function measure(packed: string): Promise<Measured> {
  const { what, runner, service, device, times } = unpackWork(packed);
  const nothing: Measured = { firstKeysMs: undefined, rounds: [], operations: {} };
  if (what === 'first keys') return { ...nothing, firstKeysMs: await firstKeysMs(runner) };
  if (what === 'operations') return { ...nothing, operations: await operations(runner, times) };
  const rounds: RoundTime[] = [];
  const derive = runnerOf(runner);
  for (let round = 0; round <= times; round++) {
    let deriveMs = 0;
    const timed: DeriveRunner = async (batch) => {
      const startMs = performance.now();
      const results = await derive(batch);
      deriveMs += performance.now() - startMs;
      return results;
    };
    const startMs = performance.now();
    await replayDeviceBy(timed, portableSuite, service, device);
    rounds.push({ wholeMs: performance.now() - startMs, deriveMs });
  }
  return { ...nothing, rounds };
}

function runnerOf(runner: Runner): DeriveRunner {
  const portable: DeriveRunner = async (batch) => runDerive(portableSuite, batch);
  if (runner === 'portable') return portable;
  const web = webCryptoDerive(globalThis.crypto.subtle);
  // A platform that lacks something is measured with what takes its place.
  return (batch) => web(batch, portable);
}

/** As many as a device with 44 neighbours has agreements. */
const TOGETHER = 88;

/** Runs so many of one operation at the same time. */
type Task = (count: number) => Promise<unknown>;

async function operations(runner: Runner, passes: number): Promise<OperationTimes> {
  const times: OperationTimes = {};
  for (const [name, task] of Object.entries(tasksOf(runner))) {
    const alone = async (): Promise<void> => {
      for (let i = 0; i < TOGETHER; i++) await task(1);
    };
    const found = { alone: [] as number[], together: [] as number[] };
    // The first pass warms up.
    for (let pass = 0; pass <= passes; pass++) {
      const each = { alone: await usEach(alone), together: await usEach(() => task(TOGETHER)) };
      if (pass === 0) continue;
      found.alone.push(each.alone);
      found.together.push(each.together);
    }
    times[name] = found;
  }
  return times;
}

async function usEach(all: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await all();
  return ((performance.now() - startMs) * 1000) / TOGETHER;
}

function tasksOf(runner: Runner): Record<string, Task> {
  const suite = portableSuite;
  const [secret, salt, info, message] = [32, 32, 100, 150].map(systemRng) as Four;
  const peer = suite.x25519PublicKey(systemRng(32));
  const publicKey = suite.ed25519PublicKey(secret);
  const signature = suite.ed25519Sign(secret, message);
  const derive = runnerOf(runner);
  const ask = (op: DeriveOp): Task => {
    return (count) => derive(Array.from({ length: count }, () => op));
  };
  return {
    'agreement and two keys': ask({
      op: 'agree',
      secret,
      publicKey: peer,
      salt,
      infos: [info, message],
    }),
    'X25519 public key': ask({ op: 'x25519-public', secret }),
    'Ed25519 signature': ask({ op: 'ed25519-sign', seed: secret, message }),
    'Ed25519 verification': ask({ op: 'ed25519-verify', publicKey, message, signature }),
    'HKDF of 32 bytes': hkdfTask(runner),
  };
}

function hkdfTask(runner: Runner): Task {
  const [ikm, salt, info] = [32, 32, 100].map(systemRng) as Three;
  const { subtle } = globalThis.crypto;
  const byWebCrypto = async (): Promise<void> => {
    const key = await subtle.importKey('raw', ikm, 'HKDF', false, ['deriveBits']);
    await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 256);
  };
  const byNoble = async (): Promise<void> => void portableSuite.hkdfSha256(ikm, salt, info, 32);
  const one = runner === 'WebCrypto' ? byWebCrypto : byNoble;
  return (count) => Promise.all(Array.from({ length: count }, one));
}

/** Two channel keys and a pair secret for each of 44 neighbours. */
const KEYS = 132;

async function firstKeysMs(runner: Runner): Promise<number> {
  const task = hkdfTask(runner);
  const startMs = performance.now();
  await task(KEYS);
  return performance.now() - startMs;
}

type Bytes = Uint8Array<ArrayBuffer>;
type Three = [Bytes, Bytes, Bytes];
type Four = [Bytes, Bytes, Bytes, Bytes];
