/**
 * One pass over all tasks of the kernel bench, in a process of its own: `pass-process.ts`. It sends the
 * median of each task in nanoseconds.
 *
 * A process of its own, since V8 lays out its machine code and stack frames a little differently in each:
 * where a frame's spilled vectors lie across cache lines, all calls of that process cost half as much
 * again.
 */
import { type SignedStream, decodeSecret, splitSecret, systemRng } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { Bench } from 'tinybench';
import { scalarKernel } from '../../packages/crypto/src/scalar-kernel.js';
import { addPacked, packLanes } from '../../packages/protocol/src/packing.js';
import { LENGTHS, PACKED_LANES, SHARINGS, STREAMS } from './tasks.js';

const PASS_MS = 60;

const bench = new Bench({ time: PASS_MS, warmupTime: PASS_MS / 3 });
for (const [name, task] of Object.entries({
  ...streamTasks(),
  ...shareTasks(),
  ...packingTasks(),
})) {
  bench.add(name, task);
}
const medians = (await bench.run()).map(({ name, result }): [string, number] => {
  if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
  return [name, result.latency.p50 * 1e6];
});
process.send?.(medians);
process.disconnect();

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
