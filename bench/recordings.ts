/**
 * Recorded rounds of the benches of one run: each is made once, by a process of its own, and kept in a
 * temporary folder until the run ends. Knows: which rounds there are. Doesn't know: what is in them.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FleetOptions } from '@onlysum/simulator';

/** γ and δ, per mille, wherever nothing else is said. */
export const CORRUPT = 50;
export const DROPOUT = 100;

export type RecordedFleet = Pick<FleetOptions, 'devices' | 'lanes' | 'dropout'> & {
  /** Everything else of a fleet is the same in all recordings. */
  readonly unmasking?: FleetOptions['unmasking'];
};

const RECORDER = fileURLToPath(new URL('./replay/recorder.ts', import.meta.url));
/** 10,000 devices with all their messages do not fit into Node's default heap. */
const HEAP_MIB = 12_288;

let root: string | undefined;
const made = new Map<string, Promise<string>>();

/** @returns the folder of the recording; what stands there is written by `writeRecording`. */
export function recordingOf(fleet: RecordedFleet): Promise<string> {
  const { devices, lanes, dropout, unmasking = 'direct' } = fleet;
  const name = `n${devices}-m${lanes}-d${dropout}-${unmasking}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const recording = record(name, {
    seed: `bench ${name}`,
    devices,
    lanes,
    corrupt: CORRUPT,
    dropout,
    dropAt: 'spread',
    unmasking,
  });
  made.set(name, recording);
  return recording;
}

/** What most benches need. */
export const COMMON_FLEETS: readonly RecordedFleet[] = [
  { devices: 1000, lanes: 1000, dropout: DROPOUT },
  { devices: 1000, lanes: 256, dropout: DROPOUT },
];

/** Two at a time: nothing is measured meanwhile. */
export async function recordTogether(fleets: readonly RecordedFleet[]): Promise<void> {
  const waiting = fleets.values();
  const recordNext = async (): Promise<void> => {
    for (const fleet of waiting) await recordingOf(fleet);
  };
  await Promise.all([recordNext(), recordNext()]);
}

function record(name: string, options: Omit<FleetOptions, 'suite' | 'graph'>): Promise<string> {
  root ??= temporaryFolder();
  const folder = join(root, name);
  const args = [`--max-old-space-size=${HEAP_MIB}`, '--import', 'tsx', RECORDER, folder];
  const child = spawn(process.execPath, [...args, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(folder);
      else reject(new Error(`recording ${name} ended with ${String(code)}`));
    });
  });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onlysum-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
