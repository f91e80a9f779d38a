/**
 * What WebCrypto saves a device that has it, in Node and, where it is installed, in Chromium: operations,
 * and whole rounds of a recorded device. Wall-clock times, since WebCrypto works in threads of the
 * platform's. Each first round is in a process or page of its own, in which nothing is compiled yet: so
 * is the one round that a page takes part in. Not measured: drawing and network of a page.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { isWhole } from './device-cost.js';
import { type Bench, type Figure, figuresOf } from './figure.js';
import { DROPOUT, recordingOf } from './recordings.js';
import { readDevices, readService } from './replay/recorded-files.js';
import { findChromium, runInChromium } from './web-crypto/chromium.js';
import type { Measured, OperationTimes, RoundTime } from './web-crypto/measure.js';
import { type Runner, type Work, packWork } from './web-crypto/work.js';

const DEVICES = 1000;
const LANES = 1000;
const RUNNERS: readonly Runner[] = ['portable', 'WebCrypto'];

const figure = figuresOf('web-crypto');

/** Measures in a process or page of its own. */
type Place = (work: Work) => Promise<Measured>;

export const webCryptoBench: Bench = async ({ isQuick, progress }) => {
  progress(`recording a round of ${DEVICES} devices, ${LANES} lanes`);
  const folder = await recordingOf({ devices: DEVICES, lanes: LANES, dropout: DROPOUT });
  const { options, plan, nowMs } = readService(folder);
  const device = readDevices(folder).find(isWhole);
  if (device === undefined) throw new RangeError('no device was in the round until its end');
  const service = { options: { seed: options.seed }, plan, nowMs };
  const figures: Figure[] = [];
  for (const [platform, place] of Object.entries(await places())) {
    for (const runner of RUNNERS) {
      progress(`${platform}, ${runner}`);
      const work = { runner, service, device };
      const setting = { platform, runner };
      figures.push(...operationFigures(await operations(place, work, isQuick), setting));
      const repeated = await freshTimes(place, work, isQuick);
      figures.push(...freshFigures(repeated, { ...setting, k: plan.parameters.k }));
    }
  }
  return figures;
};

type OfPlace = Omit<Work, 'what' | 'times'>;
type OfRunner = { readonly platform: string; readonly runner: Runner };

async function operations(place: Place, work: OfPlace, isQuick: boolean): Promise<OperationTimes> {
  const times = isQuick ? 2 : 9;
  return (await place({ ...work, what: 'operations', times })).operations;
}

function operationFigures(times: OperationTimes, setting: OfRunner): Figure[] {
  return Object.entries(times).flatMap(([name, { alone, together }]) => [
    figure(named(name, setting), alone, 'µs', { setting }),
    figure(named(`${name}, 88 at a time`, setting), together, 'µs', { setting }),
  ]);
}

/** Of one process or page each. */
type Fresh = Pick<Measured, 'firstKeysMs' | 'rounds'>;

async function freshTimes(place: Place, work: OfPlace, isQuick: boolean): Promise<Fresh[]> {
  const found: Fresh[] = [];
  for (let run = 0; run < (isQuick ? 2 : 7); run++) {
    const { firstKeysMs } = await place({ ...work, what: 'first keys', times: 1 });
    const { rounds } = await place({ ...work, what: 'rounds', times: isQuick ? 4 : 8 });
    found.push({ firstKeysMs, rounds });
  }
  return found;
}

function freshFigures(found: readonly Fresh[], setting: OfRunner & { k: number }): Figure[] {
  const keysMs = found.flatMap(({ firstKeysMs }) => firstKeysMs ?? []);
  const ofRounds = (name: string, rounds: readonly RoundTime[]): Figure[] => {
    const more = { setting: { ...setting, n: DEVICES, m: LANES } };
    const wholeMs = rounds.map((round) => round.wholeMs);
    const deriveMs = rounds.map((round) => round.deriveMs);
    return [
      figure(named(name, setting), wholeMs, 'ms', more),
      figure(named(`${name}, its derive`, setting), deriveMs, 'ms', more),
    ];
  };
  const firsts = found.flatMap(({ rounds }) => rounds.slice(0, 1));
  const others = found.flatMap(({ rounds }) => rounds.slice(1));
  return [
    figure(named('first 132 keys by HKDF', setting), keysMs, 'ms', { setting }),
    ...ofRounds('first round', firsts),
    ...ofRounds('later round', others),
  ];
}

function named(what: string, { platform, runner }: OfRunner): string {
  return `${what}, ${runner}, ${platform}`;
}

async function places(): Promise<Record<string, Place>> {
  const module = await bundle();
  const folder = temporaryFolder();
  const node: Place = (work) => runInNode(folder, module, packWork(work));
  const chromium = findChromium();
  if (chromium === undefined) return { Node: node };
  const { command } = chromium;
  return {
    Node: node,
    [chromium.name]: async (work) => {
      const page = { module, call: 'measure', argument: packWork(work) };
      return (await runInChromium(command, page)) as Measured;
    },
  };
}

/** One file that Node and a browser load. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./web-crypto/measure.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new RangeError('esbuild made no file');
  return file.text;
}

async function runInNode(folder: string, module: string, packed: string): Promise<Measured> {
  writeFileSync(join(folder, 'module.mjs'), module);
  writeFileSync(join(folder, 'work.json'), packed);
  const script = `
    import { readFileSync } from 'node:fs';
    import { measure } from './module.mjs';
    console.log(JSON.stringify(await measure(readFileSync('work.json', 'utf8'))));
  `;
  // Node 20 says in a warning that X25519 and Ed25519 in WebCrypto are experimental.
  const args = ['--no-warnings', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  return JSON.parse(stdout) as Measured;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onlysum-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
